#include "tests/sim/final_checks.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "activity_worker/core/outcome.h"
#include "base/status_macros.h"
#include "orchestrator/log/store.h"
#include "orchestrator/replay/replay.h"
#include "tests/sim/oracle.h"

namespace anabranch::sim {
namespace {

class StoredPayloads : public sdk::PayloadReader {
 public:
  explicit StoredPayloads(log::EventLog& log) : store_(log) {}
  absl::StatusOr<std::string> Read(const v1::PayloadRef& ref) override {
    auto content = store_.ReadPayload(ref.sha256());
    if (!content.ok()) return content.status();
    return std::move(content->bytes);
  }

 private:
  log::StoreReader store_;
};

std::string ContentOf(StoredPayloads& payloads, const v1::Payload& payload) {
  if (payload.has_text()) return payload.text();
  if (!payload.has_ref()) return payload.json_text();
  return payloads.Read(payload.ref()).value_or("(its content is lost)");
}

// All of a generation's history as readers put it together: what it has of
// others first.
absl::StatusOr<std::vector<storage::v1::ActivationRecord>> StoredHistory(
    log::EventLog& log, Uid uid) {
  log::StoreReader store(log);
  ASSIGN_OR_RETURN(auto status, store.ReadStatus(uid));
  if (!status.has_value()) return absl::NotFoundError("it has no status");
  std::vector<storage::v1::ActivationRecord> history;
  int64_t next = 1;
  auto read = [&](Uid of, int64_t last) -> absl::Status {
    ASSIGN_OR_RETURN(auto part,
                     store.ReadActivations(of, next, int64_t{1} << 40));
    for (auto& activation : part) {
      if (activation.events(0).event_id() > last) break;
      next = activation.events().rbegin()->event_id() + 1;
      history.push_back(std::move(activation));
    }
    return absl::OkStatus();
  };
  for (const auto& segment : status->segments()) {
    RETURN_IF_ERROR(read(Uid{segment.uid()}, segment.last_event_id()));
  }
  RETURN_IF_ERROR(read(uid, std::numeric_limits<int64_t>::max()));
  return history;
}

// The mismatch of a replay, empty when there is none.
std::string Replays(const FinalParts& parts, StoredPayloads& payloads,
                    const RunRecords& run,
                    const std::vector<storage::v1::ActivationRecord>& history) {
  const sdk::FlowDefinition* flow = parts.flows.Find(run.fold.run.flow());
  replay::Replayed replayed =
      replay::Replay({run.fold.run.run_id(), flow, "sim", &payloads}, history);
  return replayed.mismatch.has_value() ? replayed.mismatch->report : "";
}

// Signals that no flow reads are listed by the end, in order. Administrative
// ends list nothing.
bool ListsUnread(const RunRecords& run) {
  std::vector<std::string> received;
  std::vector<std::string> listed;
  for (const auto& activation : run.history) {
    for (const auto& event : activation.events()) {
      if (event.has_run_terminated() || event.has_run_timed_out()) return true;
      // Those that the generation before had not read either.
      for (const auto& signal : event.run_started().signals()) {
        if (signal.name() != kUnreadSignal) continue;
        received.push_back(signal.request_id());
      }
      if (event.signal_received().name() == kUnreadSignal) {
        received.push_back(event.signal_received().request_id());
      }
      auto list = [&listed](const auto& end) {
        for (const auto& signal : end.unread_signals()) {
          if (signal.name() != kUnreadSignal) continue;
          listed.push_back(signal.request_id());
        }
      };
      list(event.run_completed());
      list(event.run_failed());
      list(event.run_cancelled());
      list(event.run_continued_as_new());
    }
  }
  // What waited in the mailbox behind the end is listed after them.
  return received.size() <= listed.size() &&
         std::equal(received.begin(), received.end(), listed.begin()) &&
         std::all_of(listed.begin() + static_cast<ptrdiff_t>(received.size()),
                     listed.end(), [&run](const std::string& request) {
                       return run.mailed_signals.contains(request);
                     });
}

void CheckHistory(const FinalParts& parts, StoredPayloads& payloads, Uid uid,
                  const RunRecords& run) {
  auto fail = [&](const std::string& what) {
    parts.world.Fail(absl::StrCat("run ", run.fold.run.run_id(), " (",
                                  run.fold.run.flow(), "): ", what));
  };
  auto stored = StoredHistory(parts.log, uid);
  if (!stored.ok() || stored->size() != run.history.size()) {
    return fail("its history cannot be read back");
  }
  // It was ended before it began: there is nothing to replay.
  if (!run.history[0].events(0).has_run_started()) return;
  std::string replayed = Replays(parts, payloads, run, *stored);
  if (replayed.empty()) {
    // And what was there at some moment, as a restart would have found it.
    auto prefix = *std::move(stored);
    prefix.resize(static_cast<size_t>(
        parts.world.Between(1, static_cast<int64_t>(run.history.size()))));
    replayed = Replays(parts, payloads, run, prefix);
  }
  if (!replayed.empty()) return fail("a replay differs: " + replayed);
  if (!ListsUnread(run)) return fail("it ended and lost a signal");
  for (const auto& activation : run.history) {
    for (const auto& event : activation.events()) {
      parts.world.Count(replay::EventTypeName(event));
      if (!event.has_activity_completed() ||
          !event.activity_completed().result().has_ref()) {
        continue;
      }
      const auto& completed = event.activity_completed();
      const auto& token = run.last_records.at(completed.seq()).token();
      const Execution* execution = parts.ledger.Find(token);
      if (execution == nullptr || ContentOf(payloads, completed.result()) !=
                                      execution->outcome->result->json_text()) {
        return fail("a large result is not what the worker said");
      }
    }
  }
}

// What one generation of a random program must have asked for, activation by
// activation.
std::string Differs(StoredPayloads& payloads, const NodeBlock& program,
                    const RunRecords& run) {
  Oracle oracle(program, [&payloads](const v1::Payload& payload) {
    return ContentOf(payloads, payload);
  });
  for (const auto& activation : run.history) {
    std::string differs = oracle.Take(activation);
    if (differs.empty()) continue;
    return absl::StrCat("run ", run.fold.run.run_id(), ": ", differs, " in\n",
                        TextOf(program));
  }
  return "";
}

// A run and all of its children, generation by generation.
void CheckCommands(const FinalParts& parts, StoredPayloads& payloads,
                   const Program& program, const log::RunName& name) {
  std::vector<std::pair<log::RunName, const NodeBlock*>> left = {
      {name, program.random.get()}};
  while (!left.empty()) {
    const auto [next, whole] = left.back();
    left.pop_back();
    int generation = 0;
    for (Uid uid : parts.records.Chain(next)) {
      const RunRecords& run = *parts.records.Find(uid);
      const NodeBlock* block = GenerationOf(*whole, ++generation);
      std::string differs = block == nullptr
                                ? "it went on when its program was over"
                                : Differs(payloads, *block, run);
      if (!differs.empty()) return parts.world.Fail(std::move(differs));
      for (const auto& [seq, scheduled] : parts.records.ChildrenOf(uid)) {
        const NodeBlock* child = FindChild(
            *block, ChildNumber(ContentOf(payloads, scheduled.input())));
        if (child != nullptr) {
          left.emplace_back(log::RunName{next.ns, scheduled.run_id()}, child);
        }
      }
    }
  }
}

}  // namespace

void CheckAtEnd(FinalParts parts,
                const std::vector<std::unique_ptr<Caller>>& callers) {
  StoredPayloads payloads(parts.log);
  for (const auto& [uid, run] : parts.records.runs()) {
    CheckHistory(parts, payloads, uid, run);
    if (parts.world.failed()) return;
  }
  for (const auto& caller : callers) {
    const RunRecords* run = parts.records.Find(caller->run());
    if (caller->program().random != nullptr) {
      CheckCommands(parts, payloads, caller->program(), caller->run());
    }
    const v1::Run& shown = run->status->run();
    const std::string result = ContentOf(payloads, shown.result());
    std::string wrong = caller->program().judge(shown, result);
    // A worker may have been told to stop in a time that never was; a flow may
    // have gone on with that failure.
    const bool excused =
        parts.world.restores > 0 &&
        (shown.failure().type() == activity_worker::kCancelled ||
         result.find(activity_worker::kCancelled) != std::string::npos);
    if (!wrong.empty() && !excused) {
      parts.world.Fail(absl::StrCat("run ", shown.run_id(), " (", shown.flow(),
                                    " ", caller->program().input_json,
                                    "): ", wrong));
    }
  }
}

}  // namespace anabranch::sim
