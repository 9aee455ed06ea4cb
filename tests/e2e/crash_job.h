// One run of the crash loop's job, on processes of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "anabranch/v1/history.pb.h"
#include "tests/support/cluster.h"
#include "tests/support/fake_api.h"
#include "tests/support/temp_folder.h"

namespace anabranch::e2e {

inline constexpr int kCrashBranches = 6;
inline constexpr int kCrashTurns = 5;

// What a run came to.
struct JobOutcome {
  std::string comparison;  // without durations
  std::vector<v1::HistoryEvent> history;
};

// Imports, starts fork_compare, waits for its end and reads it, in a thread of
// its own: whoever made it looks after the processes meanwhile. The client must
// outlive it.
class CrashJob {
 public:
  CrashJob(client::Client& client, std::string transcript);
  ~CrashJob() { thread_.join(); }

  // False when it goes on after `timeout`.
  bool AwaitEnd(absl::Duration timeout) {
    return done_.WaitForNotificationWithTimeout(timeout);
  }
  // Once it has ended.
  const absl::StatusOr<JobOutcome>& outcome() const { return outcome_; }

 private:
  absl::StatusOr<JobOutcome> Run();

  client::Client& client_;
  const std::string transcript_;
  absl::StatusOr<JobOutcome> outcome_;
  absl::Notification done_;
  std::thread thread_;  // last: it uses all above
};

// A cluster with a folder of its own, an orchestrator still to be started.
struct Bench {
  support::TempFolder folder;
  std::unique_ptr<support::Cluster> cluster;
};

absl::StatusOr<Bench> MakeBench(
    const support::Programs& programs,
    const std::vector<std::string>& fake_arguments,
    const std::vector<std::string>& orchestrator_arguments);

// No call begun twice, every one recorded once: what is wrong, in sentences.
std::vector<std::string> CheckNothingRepeated(
    const support::Ledger& ledger, const std::vector<v1::HistoryEvent>& history,
    int64_t calls);

}  // namespace anabranch::e2e
