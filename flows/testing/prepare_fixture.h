// What a flow looks up at the door, in a test.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/error_details.h"
#include "sdk/flow_registry.h"

namespace anabranch::flows {

// Conversations by id. Under one thread.
class FakePrepareContext : public sdk::PrepareContext {
 public:
  void Add(const std::string& id, std::string transcript) {
    conversations_[id] = std::move(transcript);
  }

  absl::StatusOr<sdk::PinnedConversation> FindConversation(
      std::string_view id) override {
    const auto it = conversations_.find(id);
    if (it == conversations_.end()) {
      return MakeError(absl::StatusCode::kNotFound, "CONVERSATION_NOT_FOUND",
                       "no conversation " + std::string(id));
    }
    sdk::PinnedConversation pinned;
    pinned.source.set_sha256("hash-of-" + it->first);
    pinned.source.set_size_bytes(static_cast<int64_t>(it->second.size()));
    pinned.bytes = it->second;
    return pinned;
  }

 private:
  std::map<std::string, std::string, std::less<>> conversations_;
};

// "OK", or the message of the error with which the flow refuses `input`.
inline std::string Refusal(const sdk::FlowDefinition& flow,
                           std::string_view input,
                           sdk::PrepareContext& context) {
  const auto prepared = flow.prepare(input, context);
  return prepared.ok() ? "OK" : std::string(prepared.status().message());
}

}  // namespace anabranch::flows
