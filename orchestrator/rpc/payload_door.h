// PayloadDoor: values on their way in and out.
//
// In: `json` becomes text once, here, and is kept as that text ever after.
// Out: text is shown as `json` where that loses nothing, stored content in
// place of a reference where it is small.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "anabranch/v1/payload.pb.h"
#include "base/limits.h"
#include "orchestrator/log/store.h"

namespace anabranch::rpc {

// Threads: any; the reader outlives it.
class PayloadDoor {
 public:
  explicit PayloadDoor(log::StoreReader& reader) : reader_(reader) {}

  // `payload` as json_text, text, data or ref; `field` names it in errors:
  // INVALID_JSON, PAYLOAD_TOO_LARGE, PAYLOAD_NOT_FOUND, INVALID_FIELD. A
  // payload that is not set becomes the JSON text `if_unset`.
  absl::StatusOr<anabranch::v1::Payload> Accept(
      anabranch::v1::Payload payload, std::string_view field,
      std::string_view if_unset) const;

  // The JSON text behind an accepted payload; references are followed.
  // INVALID_FIELD when it is text or data.
  absl::StatusOr<std::string> JsonOf(const anabranch::v1::Payload& accepted,
                                     std::string_view field) const;

  // Replaces a reference by its content when that is at most `bytes_max`
  // bytes. kDataLoss when the content is missing.
  absl::Status Inline(anabranch::v1::Payload& payload, int64_t bytes_max) const;

  // Shows json_text as json, when that loses nothing and the message stays
  // within `bytes_max` bytes.
  static void Show(anabranch::v1::Payload& payload,
                   int64_t bytes_max = limits::kInlinePayloadBytesMax * 8);

 private:
  log::StoreReader& reader_;
};

// Show() for every Payload field of `message`, however deep.
void ShowPayloads(google::protobuf::Message& message);

// Inline() for every Payload field of `message`, however deep.
absl::Status InlinePayloads(google::protobuf::Message& message,
                            const PayloadDoor& door, int64_t bytes_max);

// True when some Payload field of `message` is a reference.
bool HasReference(const google::protobuf::Message& message);

// 64 lower-case hex digits.
bool IsSha256(std::string_view hex);

// PayloadDoor::Accept() for a payload that is no reference.
absl::StatusOr<anabranch::v1::Payload> AcceptInline(
    anabranch::v1::Payload payload, std::string_view field,
    std::string_view if_unset);

}  // namespace anabranch::rpc
