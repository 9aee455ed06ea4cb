// Call: one input of a client, and its answer.
#pragma once

#include <optional>
#include <utility>

#include "orchestrator/shard/testing/harness.h"

namespace anabranch::shard::testing {

// Posts `input` and makes a round. Fails the process when there is no answer.
template <typename Answer, typename Input>
Answer CallFor(Harness& h, Input input) {
  std::optional<Answer> answer;
  input.reply = [&answer](Answer value) { answer = std::move(value); };
  std::vector<shard::Input> inputs;
  inputs.emplace_back(std::move(input));
  h.Round(std::move(inputs));
  return *std::move(answer);
}

inline absl::StatusOr<StartedRun> Call(Harness& h, StartRun input) {
  return CallFor<absl::StatusOr<StartedRun>>(h, std::move(input));
}
inline absl::StatusOr<RetriedRun> Call(Harness& h, RetryRun input) {
  return CallFor<absl::StatusOr<RetriedRun>>(h, std::move(input));
}
inline absl::StatusOr<QueryAnswer> Call(Harness& h, QueryRun input) {
  return CallFor<absl::StatusOr<QueryAnswer>>(h, std::move(input));
}
template <typename Input>
absl::Status Call(Harness& h, Input input) {
  return CallFor<absl::Status>(h, std::move(input));
}

// Pauses or resumes, or whatever else names a run and a reason.
template <typename Input>
absl::Status CallWithReason(Harness& h, const std::string& run_id,
                            const std::string& request_id = "") {
  Input input;
  input.name = {"default", run_id};
  input.reason = "test";
  input.request_id = request_id;
  return Call(h, std::move(input));
}

}  // namespace anabranch::shard::testing
