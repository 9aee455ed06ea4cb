// Child runs: both sides of the exchange that children.h describes.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/error_details.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/core/run_state.h"
#include "orchestrator/replay/flow_guard.h"
#include "orchestrator/shard/children.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/shard.h"
#include "sdk/failure.h"

namespace anabranch::shard {
namespace {

using storage::v1::ChildRecord;

// What a flow's check of its input may look up, as the store has it.
class StoreContext : public sdk::PrepareContext {
 public:
  StoreContext(log::StoreReader& store, std::string ns)
      : store_(store), ns_(std::move(ns)) {}

  absl::StatusOr<sdk::PinnedConversation> FindConversation(
      std::string_view conversation_id) override {
    ASSIGN_OR_RETURN(auto record,
                     store_.ReadConversation(ns_, conversation_id));
    if (!record.has_value()) {
      return ConversationNotFound(ns_, conversation_id);
    }
    ASSIGN_OR_RETURN(auto content,
                     store_.ReadPayload(record->source().sha256()));
    return sdk::PinnedConversation{record->source(), std::move(content.bytes)};
  }

 private:
  log::StoreReader& store_;
  std::string ns_;
};

// Its type is the reason that a client would see.
api::Failure StartFailure(const absl::Status& status) {
  return sdk::MakeFailure(ErrorReason(status), std::string(status.message()));
}

bool IsClosing(const ChildRecord& record) {
  return record.closing() != api::PARENT_CLOSE_POLICY_UNSPECIFIED;
}

}  // namespace

absl::Status Shard::RecoverChildren() {
  ASSIGN_OR_RETURN(auto records, store_.ReadAllChildren());
  for (auto& record : records) {
    const ChildId id = IdOf(record);
    children_.records[id] = std::move(record);
    demands_.insert(id);
  }
  ASSIGN_OR_RETURN(auto notices, store_.ReadParentNotices());
  for (auto& [child, record] : notices) {
    Tell(ChildAnswered{
        .parent = record.parent(), .child = child, .closed = record.closed()});
    const ChildId id = IdOf(record.parent());
    children_.notices[id] = {child, std::move(record)};
  }
  return absl::OkStatus();
}

void Shard::TellDemands() {
  for (const ChildId id : std::exchange(demands_, {})) {
    const ChildRecord* record = children_.Find(id);
    if (record != nullptr) Tell(ChildDemanded{*record});
  }
}

void Shard::Demand(const ChildRecord& record) {
  batch_.PutChild(record);
  demands_.insert(IdOf(record));
}

void Shard::ScheduleChild(const LiveRun& run,
                          const api::ChildScheduled& scheduled) {
  const ChildId id{run.state.uid, scheduled.seq()};
  ChildRecord& record = children_.records[id];
  record.set_uid(run.state.uid.value);
  *record.mutable_scheduled() = scheduled;
  record.set_namespace_(run.name.ns);
  record.set_run_id(run.name.run_id);
  Demand(record);
}

void Shard::CancelChild(Uid parent, int64_t seq) {
  ChildRecord* record = children_.Find({parent, seq});
  if (record == nullptr) return;
  record->set_cancel_requested(true);
  Demand(*record);
}

void Shard::CloseChildren(Uid parent) {
  for (const ChildId id : children_.Of(parent)) {
    ChildRecord& record = children_.records[id];
    const api::ParentClosePolicy policy = PolicyOf(record.scheduled());
    if (policy == api::PARENT_CLOSE_POLICY_ABANDON && record.started()) {
      ForgetChild(id);
      continue;
    }
    record.set_closing(policy);
    Demand(record);
  }
}

void Shard::ForgetChild(ChildId id) {
  batch_.DeleteChild(id.parent, id.seq);
  children_.records.erase(id);
}

void Shard::On(const ShardMessage& message, Times now) {
  std::visit([&](const auto& value) { On(value, now); }, message);
}

// --- the child's side ---

void Shard::On(const ChildDemanded& demand, Times now) {
  const ChildRecord& record = demand.record;
  ChildAnswered answer{.parent = LinkOf(record),
                       .run_id = record.scheduled().run_id(),
                       .policy = PolicyOf(record.scheduled()),
                       .demanded = record.closing()};
  if (const auto* notice = children_.FindNotice(IdOf(record))) {
    answer.child = notice->child;
    answer.closed = notice->record.closed();
    return Tell(std::move(answer));
  }
  const RunName name{record.namespace_(), record.scheduled().run_id()};
  std::optional<api::Run> child = FindChild(name);
  if (!child.has_value()) {
    answer.closed = StartChild(record, now);
    if (answer.closed.has_value()) return Tell(std::move(answer));
    child = FindChild(name);
    AB_CHECK(child.has_value());
  } else if (IdOf(child->parent()) != IdOf(record)) {
    answer.closed = NeverStarted(record, StartFailure(ChildRunExists(name)));
    return Tell(std::move(answer));
  } else if (!core::IsClosed(child->state())) {
    DoAsDemanded(record, *child, now);
    child = FindChild(name);
  }
  answer.child = *Uid::FromHex(child->uid());
  if (core::IsClosed(child->state())) answer.closed = ClosedOf(*child);
  Tell(std::move(answer));
}

std::optional<api::Run> Shard::FindChild(const RunName& name) {
  auto uid = runs_.FindUid(name);
  AB_CHECK_MSG(uid.ok(), std::string(uid.status().message()));
  if (!uid->has_value()) return std::nullopt;
  // The status tells enough: no flow is rebuilt to see who is there.
  if (const LiveRun* run = runs_.Find(**uid)) return run->state.run;
  auto status = runs_.ReadStatus(**uid);
  AB_CHECK_MSG(status.ok(), std::string(status.status().message()));
  if (!status->has_value()) return std::nullopt;
  return (*status)->run();
}

std::optional<api::ChildClosed> Shard::StartChild(const ChildRecord& record,
                                                  Times now) {
  const auto& scheduled = record.scheduled();
  if (!IsWanted(record)) {
    return NeverStarted(
        record,
        record.started()
            ? sdk::MakeFailure("deleted",
                               absl::StrCat("child run ", scheduled.run_id(),
                                            " was deleted"))
            : sdk::MakeFailure(sdk::kFailureCancelled,
                               "the child was cancelled before it started"));
  }
  StartRun start;
  start.name = {record.namespace_(), scheduled.run_id()};
  start.flow = scheduled.flow();
  start.input = scheduled.input();
  start.parent = LinkOf(record);
  if (scheduled.has_run_timeout()) {
    start.run_timeout = FromProto(scheduled.run_timeout());
  }
  absl::Status prepared = PrepareChild(start);
  if (!prepared.ok()) {
    return NeverStarted(record, StartFailure(prepared));
  }
  BeginRun(start, now);
  return std::nullopt;
}

absl::Status Shard::PrepareChild(StartRun& start) {
  const sdk::FlowDefinition* flow = flows_.Find(start.flow);
  if (flow == nullptr) return FlowNotFound(start.flow, flows_.Names());
  if (flow->prepare == nullptr) return absl::OkStatus();
  std::string json;
  if (start.input.has_ref()) {
    ASSIGN_OR_RETURN(json, Read(start.input.ref()));
  } else {
    const auto content = core::ContentOf(start.input);
    if (content.bytes != nullptr) json = *content.bytes;
  }
  // The check is the flow's code as well, and part of its first event: where
  // that is deadly the child begins BLOCKED, unchecked.
  api::HistoryEvent first;
  first.set_event_id(1);
  first.mutable_run_started()->set_flow(start.flow);
  *first.mutable_run_started()->mutable_input() = start.input;
  if (crashes_.FindDeadly(Uid{}, &first) != nullptr) return absl::OkStatus();
  crashes_.Switch(Uid{}, start.name, start.flow);
  const replay::InFlow in_flow(&crashes_, first);
  StoreContext context(store_, start.name.ns);
  ASSIGN_OR_RETURN(auto prepared, flow->prepare(json, context));
  start.attachments = std::move(prepared.attachments);
  return absl::OkStatus();
}

void Shard::DoAsDemanded(const ChildRecord& record, const api::Run& child,
                         Times now) {
  const Uid uid = *Uid::FromHex(child.uid());
  if (record.closing() == api::PARENT_CLOSE_POLICY_TERMINATE) {
    auto run = runs_.Load(uid);
    AB_CHECK_MSG(run.ok(), std::string(run.status().message()));
    api::HistoryEvent event;
    event.mutable_run_terminated()->set_reason(
        absl::StrCat("its parent ", record.run_id(), " is closed"));
    return AppendAdministrative(**run, std::move(event), now);
  }
  const bool closing =
      record.closing() == api::PARENT_CLOSE_POLICY_REQUEST_CANCEL;
  if (!closing && !record.cancel_requested()) return;
  if (child.cancel_requested()) return;
  api::HistoryEvent stimulus;
  stimulus.mutable_cancel_requested()->set_reason(
      closing ? absl::StrCat("its parent ", record.run_id(), " is closed")
              : absl::StrCat("its parent ", record.run_id(), " asked for it"));
  Stimulate(uid, std::move(stimulus), now);
}

void Shard::NotifyParent(const api::Run& child) {
  // A child that was retried before its parent has taken its end: that end is
  // what the parent is told.
  if (children_.FindNotice(IdOf(child.parent())) != nullptr) return;
  Children::Notice notice;
  notice.child = *Uid::FromHex(child.uid());
  *notice.record.mutable_parent() = child.parent();
  *notice.record.mutable_closed() = ClosedOf(child);
  batch_.PutParentNotice(notice.child, notice.record);
  Tell(ChildAnswered{.parent = child.parent(),
                     .child = notice.child,
                     .closed = notice.record.closed()});
  children_.notices[IdOf(child.parent())] = std::move(notice);
}

void Shard::On(const NoticeTaken& taken, Times /*now*/) {
  // Also one that is not the child's first, which older builds have written.
  batch_.DeleteParentNotice(taken.child);
  const ChildId id = IdOf(taken.parent);
  const auto* notice = children_.FindNotice(id);
  if (notice == nullptr || notice->child != taken.child) return;
  children_.notices.erase(id);
}

// --- the parent's side ---

void Shard::On(const ChildAnswered& answer, Times /*now*/) {
  const ChildId id = IdOf(answer.parent);
  // Taken in whatever follows: in this batch, or it is no news.
  if (answer.closed.has_value() && answer.child.value != 0) {
    Tell(NoticeTaken{answer.parent, answer.child});
  }
  ChildRecord* record = children_.Find(id);
  if (record == nullptr) {
    Disown(answer);
  } else if (IsClosing(*record)) {
    // Nobody waits for the child's end any more, only for it to be told.
    if (answer.closed.has_value() || answer.demanded == record->closing()) {
      ForgetChild(id);
    }
  } else {
    TakeAnswer(*record, answer);
  }
}

void Shard::TakeAnswer(ChildRecord& record, const ChildAnswered& answer) {
  const ChildId id = IdOf(record);
  if (answer.child.value != 0 && !record.started()) {
    record.set_started(true);
    record.set_child_uid(answer.child.value);
    batch_.PutChild(record);
    api::HistoryEvent stimulus;
    auto* started = stimulus.mutable_child_started();
    started->set_seq(id.seq);
    started->set_run_id(record.scheduled().run_id());
    started->set_uid(answer.child.ToHex());
    follow_ups_.emplace_back(id.parent, std::move(stimulus));
  }
  if (!answer.closed.has_value()) return;
  ForgetChild(id);
  api::HistoryEvent stimulus;
  *stimulus.mutable_child_closed() = *answer.closed;
  follow_ups_.emplace_back(id.parent, std::move(stimulus));
}

void Shard::Disown(const ChildAnswered& answer) {
  // Only an answer to an ordinary demand can be of a child that nobody knows:
  // the demand came late, after its parent was done with it.
  if (answer.closed.has_value() ||
      answer.demanded != api::PARENT_CLOSE_POLICY_UNSPECIFIED) {
    return;
  }
  const bool parent_open = IsOpen(IdOf(answer.parent).parent);
  if (!parent_open && answer.policy == api::PARENT_CLOSE_POLICY_ABANDON) return;
  ChildRecord record;
  record.set_uid(IdOf(answer.parent).parent.value);
  record.set_namespace_(answer.parent.namespace_());
  record.set_run_id(answer.parent.run_id());
  record.mutable_scheduled()->set_seq(answer.parent.seq());
  record.mutable_scheduled()->set_run_id(answer.run_id);
  record.set_started(true);
  record.set_closing(parent_open ? api::PARENT_CLOSE_POLICY_TERMINATE
                                 : answer.policy);
  Tell(ChildDemanded{std::move(record)});
}

bool Shard::IsOpen(Uid uid) {
  if (const LiveRun* run = runs_.Find(uid)) return !run->state.closed();
  auto status = runs_.ReadStatus(uid);
  AB_CHECK_MSG(status.ok(), std::string(status.status().message()));
  return status->has_value() && !core::IsClosed((*status)->run().state());
}

}  // namespace anabranch::shard
