#include "orchestrator/rpc/payload_door.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "claude/json.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/json_text.h"

namespace anabranch::rpc {
namespace {

using anabranch::v1::Payload;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string_view View(absl::string_view text) {
  return std::string_view(text.data(), text.size());
}

absl::Status CheckSize(size_t size, std::string_view field) {
  if (static_cast<int64_t>(size) <= limits::kPayloadBytesMax) {
    return absl::OkStatus();
  }
  return PayloadTooLarge(field, static_cast<int64_t>(size),
                         limits::kPayloadBytesMax);
}

absl::Status CheckJson(std::string_view text, std::string_view field) {
  RETURN_IF_ERROR(CheckSize(text.size(), field));
  absl::Status json = claude::ValidateJson(text);
  return json.ok() ? json : InvalidJson(field, View(json.message()));
}

void SetContent(log::StoreReader::Content content, Payload& payload) {
  switch (content.encoding) {
    case anabranch::v1::PAYLOAD_ENCODING_JSON:
      payload.set_json_text(std::move(content.bytes));
      return;
    case anabranch::v1::PAYLOAD_ENCODING_TEXT:
      payload.set_text(std::move(content.bytes));
      return;
    default:
      payload.set_data(std::move(content.bytes));
  }
}

// Calls `visit` for each Payload in `message`; stops when it returns false.
using PayloadVisitor = std::function<bool(Payload&)>;

bool Walk(Message& message, const PayloadVisitor& visit) {
  if (message.GetDescriptor() == Payload::descriptor()) {
    return visit(static_cast<Payload&>(message));
  }
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      if (!Walk(*reflection->MutableMessage(&message, field), visit)) {
        return false;
      }
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      if (!Walk(*reflection->MutableRepeatedMessage(&message, field, i),
                visit)) {
        return false;
      }
    }
  }
  return true;
}

bool WalkForReference(const Message& message) {
  if (message.GetDescriptor() == Payload::descriptor()) {
    return static_cast<const Payload&>(message).has_ref();
  }
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      if (WalkForReference(reflection->GetMessage(message, field))) return true;
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      if (WalkForReference(reflection->GetRepeatedMessage(message, field, i))) {
        return true;
      }
    }
  }
  return false;
}

absl::StatusOr<Payload> AcceptReference(log::StoreReader& reader,
                                        Payload payload,
                                        std::string_view field) {
  const std::string& sha256 = payload.ref().sha256();
  if (!IsSha256(sha256)) {
    return InvalidField(std::string(field) + ".ref.sha256",
                        "must be 64 lower-case hex digits");
  }
  // What the caller says of size and encoding is not believed.
  ASSIGN_OR_RETURN(bool known, reader.HasPayload(sha256));
  if (!known) return PayloadNotFound(sha256);
  ASSIGN_OR_RETURN(auto content, reader.ReadPayload(sha256));
  auto& ref = *payload.mutable_ref();
  ref.set_size_bytes(static_cast<int64_t>(content.bytes.size()));
  ref.set_encoding(content.encoding);
  return payload;
}

}  // namespace

bool IsSha256(std::string_view hex) {
  return hex.size() == 64 && std::all_of(hex.begin(), hex.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

absl::StatusOr<Payload> AcceptInline(Payload payload, std::string_view field,
                                     std::string_view if_unset) {
  switch (payload.kind_case()) {
    case Payload::kJson: {
      auto text = ValueToJsonText(payload.json());
      if (!text.ok()) return InvalidJson(field, View(text.status().message()));
      payload.set_json_text(*std::move(text));
      RETURN_IF_ERROR(CheckSize(payload.json_text().size(), field));
      return payload;
    }
    case Payload::kJsonText:
      RETURN_IF_ERROR(CheckJson(payload.json_text(), field));
      return payload;
    case Payload::kText:
      RETURN_IF_ERROR(CheckSize(payload.text().size(), field));
      return payload;
    case Payload::kData:
      RETURN_IF_ERROR(CheckSize(payload.data().size(), field));
      return payload;
    case Payload::kRef:
    case Payload::KIND_NOT_SET:
      break;
  }
  if (!payload.has_ref()) payload.set_json_text(std::string(if_unset));
  return payload;
}

absl::StatusOr<Payload> PayloadDoor::Accept(Payload payload,
                                            std::string_view field,
                                            std::string_view if_unset) const {
  if (payload.has_ref()) {
    return AcceptReference(reader_, std::move(payload), field);
  }
  return AcceptInline(std::move(payload), field, if_unset);
}

absl::StatusOr<std::string> PayloadDoor::JsonOf(const Payload& accepted,
                                                std::string_view field) const {
  if (accepted.kind_case() == Payload::kJsonText) return accepted.json_text();
  if (accepted.has_ref()) {
    ASSIGN_OR_RETURN(auto content,
                     reader_.ReadPayload(accepted.ref().sha256()));
    if (content.encoding == anabranch::v1::PAYLOAD_ENCODING_JSON) {
      return std::move(content.bytes);
    }
  }
  return InvalidField(field, "must be JSON: use `json` or `json_text`");
}

absl::Status PayloadDoor::Inline(Payload& payload, int64_t bytes_max) const {
  if (!payload.has_ref() || payload.ref().size_bytes() > bytes_max) {
    return absl::OkStatus();
  }
  std::string sha256 = payload.ref().sha256();
  auto content = reader_.ReadPayload(sha256);
  if (absl::IsNotFound(content.status())) {
    return StoreDamaged("the payload " + sha256 + " is missing.");
  }
  RETURN_IF_ERROR(content.status());
  if (static_cast<int64_t>(content->bytes.size()) > bytes_max) {
    return absl::OkStatus();
  }
  SetContent(*std::move(content), payload);
  return absl::OkStatus();
}

void PayloadDoor::Show(Payload& payload, int64_t bytes_max) {
  if (payload.kind_case() != Payload::kJsonText) return;
  auto value = JsonTextToValue(payload.json_text());
  if (!value.has_value()) return;
  if (static_cast<int64_t>(value->ByteSizeLong()) > bytes_max) return;
  *payload.mutable_json() = *std::move(value);
}

void ShowPayloads(Message& message) {
  Walk(message, [](Payload& payload) {
    PayloadDoor::Show(payload);
    return true;
  });
}

absl::Status InlinePayloads(Message& message, const PayloadDoor& door,
                            int64_t bytes_max) {
  absl::Status status;
  Walk(message, [&](Payload& payload) {
    status = door.Inline(payload, bytes_max);
    return status.ok();
  });
  return status;
}

bool HasReference(const Message& message) { return WalkForReference(message); }

}  // namespace anabranch::rpc
