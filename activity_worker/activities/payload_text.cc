#include "activity_worker/activities/payload_text.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"

namespace anabranch::activity_worker {

absl::StatusOr<std::string> PayloadText(const v1::Payload& payload) {
  switch (payload.kind_case()) {
    case v1::Payload::kJsonText:
      return payload.json_text();
    case v1::Payload::kText:
      return payload.text();
    case v1::Payload::kData:
      return payload.data();
    case v1::Payload::kJson: {
      std::string text;
      if (!google::protobuf::util::MessageToJsonString(payload.json(), &text)
               .ok()) {
        return absl::InvalidArgumentError("the payload has no JSON form");
      }
      return text;
    }
    case v1::Payload::kRef:
      return absl::InvalidArgumentError(
          "the payload is a reference; a task must carry the value");
    default:
      return std::string();
  }
}

absl::StatusOr<std::string> AttachmentText(const v1::Task& task,
                                           std::string_view name) {
  const auto it = task.attachments().find(std::string(name));
  if (it == task.attachments().end()) {
    return absl::NotFoundError(
        absl::StrCat("the task has no attachment \"",
                     absl::string_view(name.data(), name.size()), "\""));
  }
  return PayloadText(it->second);
}

}  // namespace anabranch::activity_worker
