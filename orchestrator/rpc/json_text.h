// JSON between google.protobuf.Value and text. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"

namespace anabranch::rpc {

// `value` as compact JSON text, always the same for equal values: members
// sorted by name, whole numbers without fraction or exponent, other numbers
// in the shortest form that reads back the same. A value that is not set is
// null. kInvalidArgument for NaN and infinities.
absl::StatusOr<std::string> ValueToJsonText(
    const google::protobuf::Value& value);

// `text` as a Value when nothing is lost but key order and the spelling of
// numbers; nothing when it is no JSON, is nested deeper than protobuf's
// parsers follow, holds integers beyond 2^53, a name twice in one object, or
// lone surrogates.
std::optional<google::protobuf::Value> JsonTextToValue(std::string_view text);

}  // namespace anabranch::rpc
