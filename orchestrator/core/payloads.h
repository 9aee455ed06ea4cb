// Every Payload inside a message, found by reflection. Pure.
#pragma once

#include <functional>

#include "anabranch/v1/payload.pb.h"
#include "google/protobuf/message.h"

namespace anabranch::core {

// Calls `visit` for each Payload in `message`, at any depth, map values
// included; does not look inside a Payload.
void ForEachPayload(google::protobuf::Message& message,
                    const std::function<void(v1::Payload&)>& visit);

// Content and encoding of an inline payload; json_text, text and data only.
struct InlineContent {
  v1::PayloadEncoding encoding = v1::PAYLOAD_ENCODING_UNSPECIFIED;
  const std::string* bytes = nullptr;
};
// Nothing for references, `json` and empty payloads.
InlineContent ContentOf(const v1::Payload& payload);

// The inline payload that a stored content stands for.
v1::Payload InlinePayload(v1::PayloadEncoding encoding, std::string bytes);

}  // namespace anabranch::core
