// QueryRun: answered by the live flow, or by what it published last. Changes
// nothing.
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/flow_crashes.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

// Of an answer of 3 MiB the rest is for its envelope.
constexpr int64_t kQueryAnswerBytesMax = limits::kAnswerBytesMax - 4 * 1024;

}  // namespace

void Shard::On(QueryRun input, Times /*now*/) {
  absl::StatusOr<QueryAnswer> result = Query(input);
  // The state that it rests on may be of the batch in hand.
  Later([reply = std::move(input.reply), result = std::move(result)] {
    reply(result);
  });
}

absl::StatusOr<QueryAnswer> Shard::Query(const QueryRun& input) {
  ASSIGN_OR_RETURN(auto uid, runs_.FindUid(input.name));
  if (!uid.has_value()) return RunNotFound(input.name);
  ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(*uid));
  if (run == nullptr) return RunNotFound(input.name);
  std::string answers;
  const auto* deadly = crashes_.FindDeadlyQuery(*uid);
  if (run->flow != nullptr && deadly == nullptr) {
    absl::StatusOr<api::Payload> answer =
        AskFlow(*run, input.query, input.input);
    if (answer.ok()) {
      const auto bytes = static_cast<int64_t>(answer->ByteSizeLong());
      if (bytes > kQueryAnswerBytesMax) {
        return QueryAnswerTooLarge(input.name, input.query, bytes,
                                   kQueryAnswerBytesMax);
      }
      return QueryAnswer{*std::move(answer), false};
    }
    if (!absl::IsNotFound(answer.status())) {
      return QueryFailed(input.name, input.query, answer.status());
    }
    answers = std::string(answer.status().message());
  }
  auto published = run->state.published.find(input.query);
  if (published != run->state.published.end()) {
    return QueryAnswer{published->second, true};
  }
  if (deadly != nullptr) return QueriesAreDeadly(input.name, *deadly);
  std::vector<std::string> names;
  for (const auto& [name, value] : run->state.published) names.push_back(name);
  return QueryNotFound(input.name, input.query, answers, names);
}

absl::StatusOr<api::Payload> Shard::AskFlow(LiveRun& run,
                                            const std::string& query,
                                            const api::Payload& input) {
  crashes_.Switch(run.state.uid, run.name, run.state.run.flow());
  InQuery in_query(crashes_);
  return run.flow->Query(query, input);
}

}  // namespace anabranch::shard
