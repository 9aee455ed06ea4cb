// A message's fields as text, each of them, by reflection.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/payload.pb.h"
#include "google/protobuf/message.h"

namespace anabranch::scenarios {

// What is set in `message`, as (name, text), in the order of field numbers.
// Left out: fields that say who drew what, not what happened, and those that
// `base`, when it is given, has alike.
std::vector<std::pair<std::string, std::string>> FieldsOf(
    const google::protobuf::Message& message, absl::Time origin,
    const google::protobuf::Message* base = nullptr);

// "name=text name=text"
std::string FieldsText(const google::protobuf::Message& message,
                       absl::Time origin,
                       const google::protobuf::Message* base = nullptr);

std::string PayloadText(const v1::Payload& payload);

// Since `origin`: "+5s".
std::string TimeText(absl::Time time, absl::Time origin);

}  // namespace anabranch::scenarios
