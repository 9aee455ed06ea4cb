#include "tests/sim/batch_operator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "orchestrator/log/keys.h"
#include "orchestrator/log/record.h"

namespace anabranch::sim {
namespace {

using shard::BatchAction;
using storage::v1::BatchRecord;

constexpr char kFlow[] = "grouped";

// How often this batch did something to the run.
int64_t Treated(const RunRecords& run, const std::string& batch_id) {
  auto is_its = [&batch_id](const api::HistoryEvent& event) {
    return event.cancel_requested().reason() == batch_id ||
           event.run_terminated().reason() == batch_id ||
           event.signal_received().input().json_text() ==
               absl::StrCat("\"", batch_id, "\"");
  };
  int64_t count = 0;
  for (const auto& activation : run.history) {
    if (is_its(activation.events(0))) ++count;
  }
  for (const auto& [n, mail] : run.mail) {
    if (is_its(mail.stimulus())) ++count;
  }
  return count;
}

}  // namespace

const BatchRecord* BatchCheck::Find(const std::string& batch_id) const {
  auto it = batches_.find(batch_id);
  return it == batches_.end() ? nullptr : &it->second;
}

void BatchCheck::OnStep(const DurableStep& step) {
  for (const auto& change : step.batch.changes) {
    log::KeyParser key(change.key);
    if (key.kind() != log::kBatchKind || !change.value.has_value()) continue;
    auto content = log::UnwrapRecord(change.key, *change.value);
    BatchRecord record;
    AB_CHECK(content.ok() &&
             record.ParseFromArray(content->data(),
                                   static_cast<int>(content->size())));
    BatchRecord& known = batches_[record.batch_id()];
    if (known.has_close_time()) {
      return world_.Fail("a closed batch is written: " + record.batch_id());
    }
    known = record;
    Begin(step, record);
    if (record.has_close_time()) CheckClosed(step, record);
  }
}

void BatchCheck::Begin(const DurableStep& step, const BatchRecord& record) {
  const absl::Time start = FromProto(record.create_time());
  auto [meant, is_new] = meant_.try_emplace({record.batch_id(), start});
  if (!is_new) return;
  for (const auto& [uid, run] : step.records.runs()) {
    if (run.history.empty() || run.fold.run.flow() != kFlow) continue;
    if (FromProto(run.fold.run.create_time()) <= start) {
      meant->second[uid] = !run.ended;
    }
  }
}

void BatchCheck::CheckClosed(const DurableStep& step,
                             const BatchRecord& record) {
  const Meant& all_meant =
      meant_.at({record.batch_id(), FromProto(record.create_time())});
  world_.Count(record.cancelled() ? "batch_cancelled" : "batch_closed");
  auto fail = [&](const std::string& what) {
    world_.Fail(absl::StrCat("batch ", record.batch_id(), ": ", what, "; ",
                             record.ShortDebugString()));
  };
  int64_t treated = 0;
  for (const auto& [uid, run] : step.records.runs()) {
    const int64_t times = Treated(run, record.batch_id());
    treated += times;
    const std::string name = run.fold.run.run_id();
    if (times > 1) return fail(name + " was treated twice");
    auto meant = all_meant.find(uid);
    if (times > 0 && (meant == all_meant.end() || !meant->second)) {
      return fail(name + " was treated, and was not meant or not open");
    }
    const bool open = meant != all_meant.end() && meant->second;
    if (open && times == 0 && !record.cancelled()) {
      return fail(name + " was left out");
    }
  }
  const auto all = static_cast<int64_t>(all_meant.size());
  if (record.succeeded() != treated) {
    return fail(absl::StrCat(treated, " runs were treated"));
  }
  if (!record.cancelled() && record.succeeded() + record.failed() != all) {
    return fail(absl::StrCat("it means ", all, " runs"));
  }
}

BatchOperator::BatchOperator(const Parts& parts)
    : Operator(parts), check_(parts.world) {
  parts.log.AddCheck(check_);
}

void BatchOperator::Begin() {
  if (!world().on(Fault::kBatch)) return;
  StartRuns();
  Every(absl::Seconds(2), [this] { Look(); });
}

bool BatchOperator::AllEnded() const {
  return std::all_of(
      started_.begin(), started_.end(), [this](const std::string& run_id) {
        const RunRecords* run = parts_.records.Find({"default", run_id});
        return run != nullptr && run->ended;
      });
}

bool BatchOperator::done() const {
  if (parts_.world.restores > 0) return true;
  const BatchRecord* record =
      batch_.has_value() ? check_.Find(batch_->batch_id()) : nullptr;
  const bool over =
      !batch_.has_value() || (record != nullptr && record->has_close_time());
  return over && Operator::done() && AllEnded();
}

void BatchOperator::OnRestored() {
  Operator::OnRestored();
  // What was done to whom is not known any more.
  started_.clear();
  batch_.reset();
}

void BatchOperator::StartRuns() {
  // Some groups are more than one round deals with.
  const int64_t runs = world().Chance(0.15) ? limits::kBatchRunsPerRoundMax + 5
                                            : world().Between(2, 6);
  for (int64_t i = runs; i > 0; --i) {
    shard::StartRun start;
    start.name = {"default", absl::StrCat("group-", i)};
    start.flow = kFlow;
    start.input.set_json_text("{}");
    start.request_id = absl::StrCat("group-start-", i);
    Asker::Request request;
    request.make = [start](const Asker::Reply& reply) {
      shard::StartRun again = start;
      again.reply = [reply](const absl::StatusOr<shard::StartedRun>& answer) {
        reply(answer.status());
      };
      return again;
    };
    request.done = [this, run_id = start.name.run_id](const absl::Status&) {
      started_.insert(run_id);
    };
    asker_.Ask(std::move(request));
  }
}

void BatchOperator::Look() {
  if (world().restores > 0 || asker_.open() > 0) return;
  if (batch_.has_value()) {
    const BatchRecord* record = check_.Find(batch_->batch_id());
    const bool open = record != nullptr && !record->has_close_time();
    if (open && world().Chance(0.3)) return CancelBatch(batch_->batch_id());
    if (open) return;
    if (world().Chance(0.3)) return StartOther();
  }
  if (AllEnded() && world().Chance(0.8)) return;
  if (world().healed() || world().Happens(Fault::kBatch)) StartBatch();
}

void BatchOperator::StartBatch() {
  BatchRecord record;
  record.set_namespace_("default");
  record.set_batch_id(absl::StrCat("batch-", ++batches_));
  static constexpr BatchAction kActions[] = {
      BatchAction::kCancel, BatchAction::kTerminate, BatchAction::kSignal};
  const BatchAction action = kActions[world().Between(0, 2)];
  record.set_action(static_cast<int32_t>(action));
  record.set_filter(absl::StrCat("flow = ", kFlow));
  record.set_reason(record.batch_id());
  if (action == BatchAction::kSignal) {
    record.set_signal("go");
    record.mutable_input()->set_json_text(
        absl::StrCat("\"", record.batch_id(), "\""));
  }
  batch_ = record;
  Send(
      record,
      [this, record](const absl::Status& status) {
        if (status.ok() && check_.Find(record.batch_id()) == nullptr) {
          world().Fail("acknowledged, and not durable: " + record.batch_id());
        }
        if (!status.ok() && ErrorReason(status) != "DISK_FULL") {
          world().Fail("a batch was refused: " + status.ToString());
        }
      },
      nullptr);
  if (world().on(Fault::kKill) && world().Chance(0.5)) {
    // In the middle of it, where it takes more than one round.
    world().After(
        world().Between(absl::Milliseconds(1), absl::Milliseconds(60)), [this] {
          parts_.server.KillAt(static_cast<KillPoint>(
              world().Between(0, static_cast<int64_t>(KillPoint::kCount) - 2)));
        });
  }
  if (!world().Chance(0.3)) return;
  world().After(world().Between(absl::Milliseconds(1), absl::Milliseconds(40)),
                [this, id = record.batch_id()] { CancelBatch(id); });
}

void BatchOperator::StartOther() {
  BatchRecord other = *batch_;
  other.set_filter("flow = nobody");
  Send(
      other,
      [this](const absl::Status& status) {
        const std::string reason = ErrorReason(status);
        if (reason != "BATCH_ALREADY_EXISTS" && reason != "DISK_FULL") {
          world().Fail("two batches under one id: " + status.ToString());
        }
      },
      nullptr);
}

void BatchOperator::Send(const BatchRecord& record, const Asker::Reply& leaves,
                         const Asker::Reply& done) {
  Asker::Request request;
  request.make = [record](const Asker::Reply& reply) {
    return shard::StartBatch{
        record, [reply](const absl::StatusOr<BatchRecord>& answer) {
          reply(answer.status());
        }};
  };
  request.leaves = leaves;
  request.done = done;
  asker_.Ask(std::move(request));
}

void BatchOperator::CancelBatch(const std::string& id) {
  Asker::Request request;
  request.make = [id](const Asker::Reply& reply) {
    return shard::CancelBatch{
        "default", id, [reply](const absl::StatusOr<BatchRecord>& answer) {
          reply(answer.status());
        }};
  };
  request.leaves = [this, id](const absl::Status& status) {
    const BatchRecord* record = check_.Find(id);
    if (status.ok() && (record == nullptr || !record->has_close_time())) {
      world().Fail("said to be cancelled, and open: " + id);
    }
    const std::string reason = ErrorReason(status);
    // It may have overtaken the batch's start.
    if (!status.ok() && reason != "DISK_FULL" && reason != "BATCH_NOT_FOUND") {
      world().Fail("a batch is not cancelled: " + status.ToString());
    }
  };
  asker_.Ask(std::move(request));
}

}  // namespace anabranch::sim
