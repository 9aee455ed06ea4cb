#include "client/lib/payload.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "claude/json_writer.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"

namespace anabranch::client {
namespace {

std::string SortMembers(const std::string& json) {
  const auto value = nlohmann::json::parse(json, /*cb=*/nullptr,
                                           /*allow_exceptions=*/false);
  if (value.is_discarded()) return json;
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

v1::Payload JsonPayload(std::string_view json) {
  v1::Payload payload;
  payload.set_json_text(json.data(), json.size());
  return payload;
}

absl::StatusOr<std::string> PayloadToJson(const v1::Payload& payload) {
  switch (payload.kind_case()) {
    case v1::Payload::kJson: {
      std::string text;
      const auto status =
          google::protobuf::util::MessageToJsonString(payload.json(), &text);
      if (!status.ok()) {
        return absl::InternalError("A value cannot be written as JSON.");
      }
      // The order of members is lost; let it at least be always the same.
      return SortMembers(text);
    }
    case v1::Payload::kJsonText:
      return payload.json_text();
    case v1::Payload::kText:
      return claude::Quote(payload.text());
    case v1::Payload::kData:
      return claude::Quote(absl::Base64Escape(payload.data()));
    case v1::Payload::kRef:
      return absl::InvalidArgumentError(
          "A stored value has to be read before it can be shown.");
    case v1::Payload::KIND_NOT_SET:
      return std::string("null");
  }
  return absl::InternalError("A value of an unknown kind.");
}

v1::Payload PayloadFromBytes(v1::PayloadEncoding encoding, std::string bytes) {
  v1::Payload payload;
  switch (encoding) {
    case v1::PAYLOAD_ENCODING_JSON:
      payload.set_json_text(std::move(bytes));
      break;
    case v1::PAYLOAD_ENCODING_TEXT:
      payload.set_text(std::move(bytes));
      break;
    default:
      payload.set_data(std::move(bytes));
  }
  return payload;
}

}  // namespace anabranch::client
