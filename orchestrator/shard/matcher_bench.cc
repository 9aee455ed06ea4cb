// Measures the matcher's fairness and speed: one run fans out to 10,000
// activities, then another one asks for a single call.
//
//   bazel run -c opt --copt=-O2 //orchestrator/shard:matcher_bench
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "orchestrator/shard/matcher.h"

namespace anabranch::shard {
namespace {

constexpr int64_t kFanOut = 10'000;
constexpr absl::Duration kNow = absl::Seconds(1);

Demand DemandOf(uint64_t key) {
  return {.queue = "default",
          .type = "claude.messages",
          .key = key == 0 ? "" : "tenant" + std::to_string(key)};
}

void Connect(Sessions& sessions) {
  api::Hello hello;
  hello.set_session("bench");
  hello.set_slots(1);
  hello.add_activity_types("claude.messages");
  sessions.Connect({1}, hello, {absl::UnixEpoch(), kNow}).session->credit = 1;
}

// How many are granted before the single call is.
int64_t GrantsBeforeTheSingleCall() {
  Sessions sessions;
  Connect(sessions);
  Matcher matcher;
  for (int64_t seq = 1; seq <= kFanOut; ++seq) {
    matcher.Ready({Uid{1}, seq}, DemandOf(0));
  }
  matcher.Ready({Uid{2}, 1}, DemandOf(0));
  int64_t before = 0;
  while (matcher.Next(sessions, kNow)->id.uid == Uid{1}) ++before;
  return before;
}

// Offers, grants and ends of `runs` × `each` activities, a second of them.
double GrantsPerSecond(uint64_t runs, int64_t each, uint64_t keys) {
  Sessions sessions;
  Connect(sessions);
  Matcher matcher;
  if (keys > 0) {
    storage::v1::TaskQueueRecord limits;
    limits.set_name("default");
    limits.set_default_key_limit(2);
    matcher.Configure(limits, kNow);
  }
  const auto begin = std::chrono::steady_clock::now();
  for (uint64_t run = 1; run <= runs; ++run) {
    for (int64_t seq = 1; seq <= each; ++seq) {
      matcher.Ready({Uid{run}, seq}, DemandOf(keys == 0 ? 0 : 1 + run % keys));
    }
  }
  int64_t grants = 0;
  while (auto match = matcher.Next(sessions, kNow)) {
    matcher.Ended(match->id);
    ++grants;
  }
  const std::chrono::duration<double> took =
      std::chrono::steady_clock::now() - begin;
  return static_cast<double>(grants) / took.count();
}

void Main() {
  std::printf("10,000 of one run, then one call of another:\n");
  std::printf("  grants before the call, turns between runs: %lld\n",
              static_cast<long long>(GrantsBeforeTheSingleCall()));
  std::printf("  first in, first out would be: %lld\n",
              static_cast<long long>(kFanOut));
  std::printf("offer + grant + end, a second:\n");
  std::printf("  1 run x 100,000:               %.0f\n",
              GrantsPerSecond(1, 100'000, 0));
  std::printf("  10,000 runs x 10:              %.0f\n",
              GrantsPerSecond(10'000, 10, 0));
  std::printf("  10,000 runs x 10, 100 keys:    %.0f\n",
              GrantsPerSecond(10'000, 10, 100));
}

}  // namespace
}  // namespace anabranch::shard

int main() { anabranch::shard::Main(); }
