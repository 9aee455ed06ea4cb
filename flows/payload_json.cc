#include "flows/payload_json.h"

#include "base/status_macros.h"
#include "claude/json_writer.h"

namespace anabranch::flows {

using anabranch::v1::Payload;

absl::StatusOr<std::string> PayloadJson(sdk::FlowContext& ctx,
                                        const Payload& payload) {
  if (payload.kind_case() == Payload::KIND_NOT_SET) return "null";
  const bool json =
      payload.has_json_text() ||
      (payload.has_ref() &&
       payload.ref().encoding() == anabranch::v1::PAYLOAD_ENCODING_JSON);
  const bool text =
      payload.has_text() ||
      (payload.has_ref() &&
       payload.ref().encoding() == anabranch::v1::PAYLOAD_ENCODING_TEXT);
  if (!json && !text) {
    return absl::InvalidArgumentError(
        "the result is bytes, which have no JSON");
  }
  ASSIGN_OR_RETURN(std::string content, ctx.Content(payload));
  return json ? content : claude::Quote(content);
}

}  // namespace anabranch::flows
