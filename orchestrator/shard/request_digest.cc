#include "orchestrator/shard/request_digest.h"

#include "base/sha256.h"
#include "orchestrator/core/payloads.h"

namespace anabranch::shard {
namespace {

void AppendPart(std::string_view part, std::string& bytes) {
  bytes += std::to_string(part.size());
  bytes += ':';
  bytes += part;
}

}  // namespace

std::string Digest(std::initializer_list<std::string_view> parts) {
  std::string bytes;
  for (std::string_view part : parts) AppendPart(part, bytes);
  return Sha256Hex(bytes);
}

std::string PayloadDigest(const api::Payload& payload) {
  if (payload.has_ref()) return payload.ref().sha256();
  auto content = core::ContentOf(payload);
  return content.bytes == nullptr ? "" : Sha256Hex(*content.bytes);
}

std::string StartDigest(const StartRun& input) {
  std::string bytes;
  AppendPart(input.flow, bytes);
  AppendPart(PayloadDigest(input.input), bytes);
  for (const auto& signal : input.signals) {
    AppendPart(signal.name(), bytes);
    AppendPart(PayloadDigest(signal.input()), bytes);
  }
  return Sha256Hex(bytes);
}

std::string StartRequestDigest(const StartRun& input) {
  std::string digest = StartDigest(input);
  return input.use_existing ? Digest({digest, "use_existing"}) : digest;
}

}  // namespace anabranch::shard
