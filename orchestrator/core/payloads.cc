#include "orchestrator/core/payloads.h"

#include <utility>
#include <vector>

namespace anabranch::core {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void ForEachPayload(Message& message,
                    const std::function<void(v1::Payload&)>& visit) {
  if (message.GetDescriptor() == v1::Payload::descriptor()) {
    visit(static_cast<v1::Payload&>(message));
    return;
  }
  const auto* reflection = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (field->is_repeated()) {
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        ForEachPayload(*reflection->MutableRepeatedMessage(&message, field, i),
                       visit);
      }
    } else {
      ForEachPayload(*reflection->MutableMessage(&message, field), visit);
    }
  }
}

InlineContent ContentOf(const v1::Payload& payload) {
  switch (payload.kind_case()) {
    case v1::Payload::kJsonText:
      return {v1::PAYLOAD_ENCODING_JSON, &payload.json_text()};
    case v1::Payload::kText:
      return {v1::PAYLOAD_ENCODING_TEXT, &payload.text()};
    case v1::Payload::kData:
      return {v1::PAYLOAD_ENCODING_DATA, &payload.data()};
    default:
      return {};
  }
}

v1::Payload InlinePayload(v1::PayloadEncoding encoding, std::string bytes) {
  v1::Payload payload;
  if (encoding == v1::PAYLOAD_ENCODING_JSON) {
    payload.set_json_text(std::move(bytes));
  } else if (encoding == v1::PAYLOAD_ENCODING_TEXT) {
    payload.set_text(std::move(bytes));
  } else {
    payload.set_data(std::move(bytes));
  }
  return payload;
}

}  // namespace anabranch::core
