#include "tests/sim/faults.h"

#include <iterator>

#include "base/check.h"

namespace anabranch::sim {
namespace {

constexpr FaultSpec kSpecs[] = {
    {Fault::kKill, "kill", "killed between two steps of its loop", true, 1, 6},
    {Fault::kFreeze, "freeze", "stands still for seconds", true, 1, 2},
    {Fault::kBadBuild, "bad_build",
     "a build that breaks running flows, then the good one again", true, 1, 2},
    {Fault::kStop, "stop", "it is told to stop: it drains, and ends well", true,
     1, 3},
    {Fault::kSlowSync, "slow_sync", "a write takes long", false, 0.01, 0.2},
    {Fault::kTornTail, "torn_tail",
     "a crash keeps what was written and not yet synced", false, 0.3, 1},
    {Fault::kAppendFails, "append_fails",
     "a write fails and its outcome is unknown: it is not there", true, 1, 3},
    {Fault::kAnswerLost, "answer_lost",
     "a write fails and its outcome is unknown: it is there", true, 1, 3},
    {Fault::kFenced, "fenced", "another holder takes the shard's lease", true,
     1, 2},
    {Fault::kDiskFull, "disk_full", "little space is left for seconds", true, 1,
     2},
    {Fault::kRestore, "restore", "the store becomes an older copy of itself",
     true, 1, 1},
    {Fault::kWallJump, "wall_jump", "the wall clock jumps, either way", true, 1,
     3},
    {Fault::kWorkerDeath, "death", "a worker's process dies in the middle",
     true, 1, 4},
    {Fault::kNewSession, "new_session",
     "a worker is back with another session while its old one seems alive",
     true, 1, 2},
    {Fault::kWorkerFreeze, "worker_freeze",
     "a worker falls silent and comes back, behind its lease", true, 1, 2},
    {Fault::kDoubleAnswer, "double_answer", "a result is said twice at once",
     false, 0.05, 0.4},
    {Fault::kLateAnswer, "late_answer", "a result is said again, long after",
     false, 0.1, 0.6},
    {Fault::kLie, "lie", "a worker claims an attempt that is not its own",
     false, 0.05, 0.5},
    {Fault::kStreamBreak, "break", "a stream breaks and is back at once", true,
     1, 5},
    {Fault::kLongBreak, "long_break", "a stream breaks for seconds", true, 1,
     2},
    {Fault::kHalfOpen, "half_open",
     "the server does not notice a broken stream", false, 0.2, 1},
    {Fault::kStall, "stall",
     "nothing passes for a while, in one direction or "
     "both",
     true, 1, 3},
    {Fault::kPartition, "partition",
     "a worker does not reach the server at all", true, 1, 2},
    {Fault::kDelay, "delay", "a frame arrives late", false, 0.01, 0.1},
    {Fault::kBreakAtStop, "break_at_stop",
     "a stream breaks before a task that was told to stop has said so", false,
     0.5, 1},
    {Fault::kCallLost, "call_lost", "a request or its answer is lost", false,
     0.02, 0.4},
    {Fault::kCallReordered, "call_reordered",
     "a request arrives after those sent later", false, 0.05, 0.5},
    {Fault::kDoubleCall, "double_call", "a request is sent twice at once",
     false, 0.05, 0.4},
    {Fault::kAbandon, "abandon",
     "a client gives up and starts again with another request_id", false, 0.2,
     0.8},
    {Fault::kStartTwice, "start_twice",
     "somebody starts another run under an id that is taken", false, 0.2, 0.8},
    {Fault::kPause, "pause", "an operator pauses a run for seconds", false, 0.2,
     1},
    {Fault::kMessageLate, "message_late",
     "messages between parents and children are under way for long", false,
     0.05, 0.5},
    {Fault::kMessageTwice, "message_twice",
     "a message between parent and child arrives twice", false, 0.05, 0.4},
    {Fault::kSetQueue, "set_queue", "an operator changes a queue's limits",
     false, 0.2, 1},
    {Fault::kDelete, "delete", "an operator deletes a run", false, 0.5, 1},
    {Fault::kQuery, "query", "somebody asks a run how it stands", false, 0.2,
     1},
    {Fault::kBatch, "batch", "an operator does something to many runs", false,
     0.5, 1},
};
static_assert(std::size(kSpecs) == kFaultCount);

constexpr bool InOrder() {
  for (int i = 0; i < kFaultCount; ++i) {
    if (static_cast<int>(kSpecs[i].fault) != i) return false;
  }
  return true;
}
static_assert(InOrder());

// The one that everything else is about is on more often, and a restore, after
// which many promises are void, less.
double ChanceToBeOn(Fault fault) {
  if (fault == Fault::kKill) return 0.85;
  if (fault == Fault::kRestore) return 0.1;
  return 0.5;
}

}  // namespace

const FaultSpec& SpecOf(Fault fault) {
  AB_CHECK(fault < Fault::kCount);
  return kSpecs[static_cast<int>(fault)];
}

std::string_view FaultName(Fault fault) { return SpecOf(fault).name; }

Faults::Faults(Random& random, const std::set<std::string>& without) {
  for (const FaultSpec& spec : kSpecs) {
    const bool on = random.NextUnit() < ChanceToBeOn(spec.fault);
    const double rate =
        spec.least + (spec.most - spec.least) * random.NextUnit();
    if (!on || without.contains(std::string(spec.name))) continue;
    rates_[static_cast<size_t>(spec.fault)] = rate;
  }
}

}  // namespace anabranch::sim
