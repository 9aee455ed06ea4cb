// The crash loop's jobs, on processes of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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

// What a job came to.
struct JobOutcome {
  std::string result;  // JSON text without accidents of time
  // Of each of its runs.
  std::vector<std::vector<v1::HistoryEvent>> histories;
};

// Something that users do, and what it costs.
struct JobKind {
  std::string name;
  // Calls of the API that it makes.
  int64_t calls = 0;
  // Starts it, waits for its end and reads what came of it.
  std::function<absl::StatusOr<JobOutcome>(client::Client&)> run;
};

// Imports the transcript (a file) and compares six branches of five turns.
JobKind ForkJob(const std::string& transcript);

// map_runs starts four chats, two at a time, while repeat runs four more, one
// after the other in generations of two rounds, and a batch signals three runs
// that wait for it.
JobKind FamilyJob();

// A job in a thread of its own: whoever made it looks after the processes
// meanwhile. The client must outlive it.
class CrashJob {
 public:
  CrashJob(client::Client& client, const JobKind& kind);
  ~CrashJob() { thread_.join(); }

  // False when it goes on after `timeout`.
  bool AwaitEnd(absl::Duration timeout) {
    return done_.WaitForNotificationWithTimeout(timeout);
  }
  // Once it has ended.
  const absl::StatusOr<JobOutcome>& outcome() const { return outcome_; }

 private:
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
std::vector<std::string> CheckNothingRepeated(const support::Ledger& ledger,
                                              const JobOutcome& outcome,
                                              int64_t calls);

}  // namespace anabranch::e2e
