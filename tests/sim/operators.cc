#include "tests/sim/operators.h"

#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "tests/sim/batch_operator.h"
#include "tests/sim/deleter.h"
#include "tests/sim/inquirer.h"
#include "tests/sim/queue_keeper.h"

namespace anabranch::sim {

void Operator::Every(absl::Duration mean, const std::function<void()>& action) {
  world().After(world().Between(absl::Milliseconds(1), 2 * mean),
                [this, mean, action] {
                  action();
                  Every(mean, action);
                });
}

const RunRecords* Operator::AnyOpenRun() {
  std::vector<const RunRecords*> open;
  for (const auto& [uid, run] : parts_.records.runs()) {
    if (!run.history.empty() && !run.ended) open.push_back(&run);
  }
  if (open.empty()) return nullptr;
  return open[static_cast<size_t>(
      world().Between(0, static_cast<int64_t>(open.size()) - 1))];
}

namespace {

log::RunName NameOf(const RunRecords& run) {
  return {run.fold.run.namespace_(), run.fold.run.run_id()};
}

// Lets parked activities go, and now and then those that wait for their next
// attempt.
class Releaser : public Operator {
 public:
  using Operator::Operator;

  void Begin() override {
    Every(absl::Seconds(1), [this] { Look(); });
  }

 private:
  void Look() {
    for (const auto& [uid, run] : parts_.records.runs()) {
      // Another run that has failed would begin anew.
      if (run.ended || run.fold.run.flow() != "acts") continue;
      bool parked = false;
      bool backing_off = false;
      for (const auto& [seq, record] : run.activities) {
        parked |= record.info().state() == api::ACTIVITY_STATE_PARKED;
        backing_off |= record.info().state() == api::ACTIVITY_STATE_BACKING_OFF;
      }
      // Parked ones wait some time: their workers may come back.
      if (world().Chance(parked ? 0.4 : 0.3)) {
        if (parked || backing_off) Release(NameOf(run));
      }
    }
  }

  void Release(const log::RunName& name) {
    const std::string request_id = absl::StrCat("release-", ++requests_);
    Asker::Request request;
    request.make = [name, request_id](const Asker::Reply& reply) {
      return shard::RetryRun{
          name, request_id,
          [reply](const absl::StatusOr<shard::RetriedRun>& answer) {
            reply(answer.status());
          }};
    };
    request.leaves = [this](const absl::Status& status) {
      const std::string reason = ErrorReason(status);
      // It may have ended well, or been cancelled, meanwhile.
      if (status.ok() || reason == "RUN_NOT_RETRYABLE" ||
          reason == "DISK_FULL" ||
          (reason == "RUN_NOT_FOUND" && world().restores > 0)) {
        return;
      }
      world().Fail(absl::StrCat("a release was refused: ", status.ToString()));
    };
    asker_.Ask(std::move(request));
  }

  int requests_ = 0;
};

// Pauses runs, and lets each go on some time later.
class Pauser : public Operator {
 public:
  using Operator::Operator;

  void Begin() override {
    if (world().on(Fault::kPause)) {
      Every(absl::Seconds(2), [this] { PauseAny(); });
    }
    // Whatever became of the calls, nothing stays paused.
    Every(absl::Seconds(1), [this] {
      if (world().healed()) ResumeAll();
    });
  }

 private:
  void PauseAny() {
    const RunRecords* run = world().Chance(0.5) ? AnyWaitingRun() : nullptr;
    if (run == nullptr) run = AnyOpenRun();
    if (run == nullptr || !world().Happens(Fault::kPause)) return;
    const log::RunName name = NameOf(*run);
    Ask<shard::PauseRun>(name, [this, name] {
      world().After(world().Between(absl::ZeroDuration(), absl::Seconds(6)),
                    [this, name] { Ask<shard::ResumeRun>(name, [] {}); });
    });
  }

  // One with an activity that has never found a worker.
  const RunRecords* AnyWaitingRun() {
    for (const auto& [uid, run] : parts_.records.runs()) {
      for (const auto& [seq, record] : run.activities) {
        if (record.has_start_deadline() && !run.fold.run.has_pause()) {
          return &run;
        }
      }
    }
    return nullptr;
  }

  void ResumeAll() {
    for (const auto& [uid, run] : parts_.records.runs()) {
      if (run.fold.run.has_pause() && !run.ended) {
        Ask<shard::ResumeRun>(NameOf(run), [] {});
      }
    }
  }

  template <typename Input>
  void Ask(const log::RunName& name, const std::function<void()>& then) {
    const std::string request_id = absl::StrCat("pause-", ++requests_);
    Asker::Request request;
    request.make = [name, request_id](const Asker::Reply& reply) {
      return Input{name, "asked", request_id, reply};
    };
    request.leaves = [this, name, request_id](const absl::Status& status) {
      CheckAnswer(name, request_id, status);
    };
    request.done = [then](const absl::Status&) { then(); };
    asker_.Ask(std::move(request));
  }

  void CheckAnswer(const log::RunName& name, const std::string& request_id,
                   const absl::Status& status) {
    const bool kept =
        parts_.records.contents().dedups.contains({name, request_id});
    if (status.ok()) {
      // Answered from memory, and deleted in the same round.
      if (name.run_id.starts_with(kDoomed)) return;
      if (!kept) world().Fail("acknowledged, and forgotten: " + request_id);
      return;
    }
    const std::string reason = ErrorReason(status);
    // A name may have its next run in the same round.
    const bool gone = parts_.records.Find(name) == nullptr ||
                      world().restores > 0 || name.run_id.starts_with(kDoomed);
    const bool right = reason == "RUN_CLOSED" || reason == "RUN_NOT_BEGUN" ||
                       reason == "DISK_FULL" ||
                       (reason == "RUN_NOT_FOUND" && gone);
    // Of two sendings the first may find no run, or a closed one, and the
    // second the next one, or the next generation.
    const auto& chains = parts_.records.contents().chains;
    const auto chain = chains.find(name);
    const bool retried = chain != chains.end() && chain->second.size() > 1;
    const bool overtaken =
        reason == "RUN_NOT_FOUND" || (reason == "RUN_CLOSED" && retried);
    if (!right || (kept && !overtaken)) {
      world().Fail(absl::StrCat("refused without reason: ", request_id, ": ",
                                status.ToString()));
    }
  }

  int requests_ = 0;
};

}  // namespace

std::vector<std::unique_ptr<Operator>> AllOperators(
    const Operator::Parts& parts) {
  std::vector<std::unique_ptr<Operator>> all;
  all.push_back(std::make_unique<Releaser>(parts));
  all.push_back(std::make_unique<Pauser>(parts));
  all.push_back(std::make_unique<QueueKeeper>(parts));
  all.push_back(std::make_unique<Inquirer>(parts));
  all.push_back(std::make_unique<Deleter>(parts));
  all.push_back(std::make_unique<BatchOperator>(parts));
  return all;
}

}  // namespace anabranch::sim
