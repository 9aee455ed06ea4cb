// RunWait: waits for one run to close, through all its generations.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/time/time.h"
#include "base/ids.h"
#include "orchestrator/rpc/run_notifier.h"
#include "orchestrator/rpc/run_reads.h"

namespace anabranch::rpc {

// How a wait ended.
enum class WaitEnd { kClosed, kTimeUp, kStopping, kCancelled };

// Calls `done` exactly once, on the notifier's thread or within Start and
// Cancel. Threads: any.
class RunWait : public std::enable_shared_from_this<RunWait> {
 public:
  RunWait(RunNotifier& notifier, RunReads& reads, Uid uid,
          std::function<void(WaitEnd)> done)
      : notifier_(notifier), reads_(reads), uid_(uid), done_(std::move(done)) {}

  // Call once. A run that is closed already ends the wait at once, and so does
  // a timeout of 0.
  void Start(absl::Duration timeout);
  void Cancel() { End(WaitEnd::kCancelled); }

 private:
  void Check();
  uint64_t Subscribe(Uid uid);
  // Goes on waiting for the generation that the run is at now; false when
  // there is none other than `ended`.
  bool Follow(Uid ended, const anabranch::v1::Run& run);
  void End(WaitEnd end);

  RunNotifier& notifier_;
  RunReads& reads_;
  std::mutex mutex_;
  // The generation that is waited for.
  Uid uid_;
  bool started_ = false;
  std::function<void(WaitEnd)> done_;
  bool ended_ = false;
  std::optional<uint64_t> subscription_;
  std::optional<uint64_t> timer_;
};

}  // namespace anabranch::rpc
