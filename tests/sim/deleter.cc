#include "tests/sim/deleter.h"

#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "orchestrator/log/keys.h"

namespace anabranch::sim {
namespace {

// Names that are used again and again.
constexpr size_t kNames = 2;

// Flows that end by themselves, one with large results.
shard::StartRun DrawRun(World& world) {
  shard::StartRun start;
  start.flow = world.Chance(0.5) ? "big" : "once";
  start.input.set_json_text(
      start.flow == "big"
          ? "{\"do\":\"big\",\"value\":3,\"ms\":20}"
          : "{\"do\":\"flaky\",\"fails\":2,\"ms\":300,\"attempts\":50}");
  return start;
}

}  // namespace

void DeletionCheck::OnStep(const DurableStep& step) {
  for (const auto& change : step.batch.changes) {
    log::KeyParser key(change.key);
    if (key.kind() == log::kDeletionKind && !change.value.has_value()) {
      world_.Count("run_deleted");
      CheckGone(Uid{key.Number().value_or(0)});
    }
  }
}

void DeletionCheck::CheckGone(Uid uid) {
  // Wherever a key names a generation, it does so by these bytes.
  const std::string bytes = log::KeyBuilder("").Id(uid).Take();
  absl::Status scanned = log_.Scan({}, [&](std::string_view key,
                                           std::string_view) {
    if (key.find(bytes) == std::string_view::npos) return true;
    world_.Fail(absl::StrCat("run ", uid.ToHex(), " is deleted, and there is ",
                             log::ReadableKey(key)));
    return false;
  });
  if (!scanned.ok()) world_.Fail(scanned.ToString());
}

void DeletionCheck::CheckContent() {
  std::set<std::string> contents;
  std::set<std::string> owned;
  absl::Status scanned =
      log_.Scan({}, [&](std::string_view bytes, std::string_view) {
        log::KeyParser key(bytes);
        if (key.kind() == log::kPayloadKind) contents.emplace(key.Rest());
        if (key.kind() == log::kOwnersKind) {
          owned.insert(key.Text().value_or(""));
        }
        return true;
      });
  if (!scanned.ok()) return world_.Fail(scanned.ToString());
  if (contents != owned) {
    world_.Fail(absl::StrCat(contents.size(), " contents are stored, and ",
                             owned.size(), " have owners"));
  }
}

Deleter::Deleter(const Parts& parts)
    : Operator(parts), check_(parts.world, parts.log) {
  parts.log.AddCheck(check_);
}

void Deleter::Begin() {
  if (!world().on(Fault::kDelete)) return;
  for (size_t i = 0; i < kNames; ++i) {
    doomed_.push_back({{"default", absl::StrCat(kDoomed, i)}});
  }
  Every(absl::Seconds(1), [this] { Look(); });
}

bool Deleter::done() const {
  for (const Doomed& one : doomed_) {
    if (one.stage != Stage::kIdle) return false;
  }
  return parts_.records.contents().deleting.empty() && Operator::done();
}

void Deleter::OnRestored() {
  Operator::OnRestored();
  // Who knows which of them are there: nobody looks after them any more.
  doomed_.clear();
}

void Deleter::CheckAtEnd() {
  check_.CheckContent();
  const auto& contents = parts_.records.contents();
  for (const auto& [name, request_id] : contents.dedups) {
    if (contents.names.contains(name)) continue;
    world().Fail(absl::StrCat("run ", name.run_id, " is deleted, and request ",
                              request_id, " is not forgotten"));
  }
}

void Deleter::Look() {
  for (size_t i = 0; i < doomed_.size(); ++i) {
    if (doomed_[i].stage == Stage::kIdle && !world().healed()) {
      Start(i);
    } else if (doomed_[i].stage == Stage::kRunning) {
      const RunRecords* run = parts_.records.Find(doomed_[i].name);
      const bool ended = run != nullptr && run->ended;
      // An open one must be forced.
      if (ended || world().Chance(0.1)) Delete(i);
    }
  }
}

void Deleter::Start(size_t index) {
  Doomed& one = doomed_[index];
  one.stage = Stage::kStarting;
  shard::StartRun start = DrawRun(world());
  start.name = one.name;
  start.request_id = absl::StrCat("doom-", ++requests_);
  Asker::Request request;
  // A late one would start it once more when it is deleted.
  request.in_order = true;
  request.make = [start](const Asker::Reply& reply) {
    shard::StartRun again = start;
    again.reply = [reply](const absl::StatusOr<shard::StartedRun>& answer) {
      reply(answer.status());
    };
    return again;
  };
  request.done = [this, index](const absl::Status& status) {
    // Its last life is not wholly gone: later, with another request.
    const bool busy = ErrorReason(status) == "RUN_BEING_DELETED";
    if (!status.ok() && !busy) {
      world().Fail(
          absl::StrCat("a deleted name is not free: ", status.ToString()));
    }
    if (index < doomed_.size()) {
      Set(index, busy ? Stage::kIdle : Stage::kRunning);
    }
  };
  asker_.Ask(std::move(request));
}

void Deleter::Delete(size_t index) {
  world().Fired(Fault::kDelete);
  Set(index, Stage::kDeleting);
  const log::RunName name = doomed_[index].name;
  Asker::Request request;
  // A late one would delete the name's next run.
  request.in_order = true;
  const bool force = world().Chance(0.7);
  request.make = [name, force](const Asker::Reply& reply) {
    return shard::DeleteRun{name, force, reply};
  };
  request.leaves = [this, index, name](const absl::Status& status) {
    // A repeated one may be answered when the name has its next run.
    const bool newest =
        index < doomed_.size() && doomed_[index].stage == Stage::kDeleting;
    if (newest) CheckDeleted(name, status);
  };
  request.done = [this, index](const absl::Status& status) {
    if (index >= doomed_.size()) return;
    const bool open = ErrorReason(status) == "RUN_OPEN";
    // What was sent twice may still come: the name rests for a while.
    world().After(absl::Seconds(1), [this, index, open] {
      if (index < doomed_.size()) {
        Set(index, open ? Stage::kRunning : Stage::kIdle);
      }
    });
  };
  asker_.Ask(std::move(request));
}

void Deleter::CheckDeleted(const log::RunName& name,
                           const absl::Status& status) {
  const RunRecords* run = parts_.records.Find(name);
  const std::string reason = ErrorReason(status);
  if (status.ok() || reason == "RUN_NOT_FOUND") {
    if (run == nullptr) return;
    return world().Fail(
        absl::StrCat("said to be deleted, and there: ", name.run_id));
  }
  if (reason == "DISK_FULL" || (reason == "RUN_OPEN" && run != nullptr)) return;
  world().Fail(absl::StrCat("a deletion was refused: ", status.ToString()));
}

}  // namespace anabranch::sim
