// Values as they go over the wire, and as JSON text.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "anabranch/v1/payload.pb.h"

namespace anabranch::client {

// A value that the server keeps byte for byte. `json` is one JSON value; the
// server checks it.
v1::Payload JsonPayload(std::string_view json);

// The value as JSON text: text becomes a string, bytes a base64 string. A
// reference is InvalidArgument: Client::ReadPayload resolves it first.
absl::StatusOr<std::string> PayloadToJson(const v1::Payload& payload);

// A value of that encoding from its stored bytes.
v1::Payload PayloadFromBytes(v1::PayloadEncoding encoding, std::string bytes);

}  // namespace anabranch::client
