#include "orchestrator/shard/children.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "orchestrator/core/run_state.h"
#include "sdk/failure.h"

namespace anabranch::shard {
namespace {

using storage::v1::ChildRecord;

// Of a child that ended without a result of its own.
api::Failure EndOf(const api::Run& child) {
  const std::string because =
      child.reason().empty() ? "" : absl::StrCat(": ", child.reason());
  switch (child.state()) {
    case api::RUN_STATE_FAILED:
      return child.failure();
    case api::RUN_STATE_CANCELLED:
      return sdk::MakeFailure(sdk::kFailureCancelled,
                              absl::StrCat("child run ", child.run_id(),
                                           " was cancelled", because));
    case api::RUN_STATE_TIMED_OUT:
      return sdk::MakeFailure(
          sdk::kFailureTimeout,
          absl::StrCat("child run ", child.run_id(), " ran out of time"));
    default:
      return sdk::MakeFailure(sdk::kFailureTerminated,
                              absl::StrCat("child run ", child.run_id(),
                                           " was terminated", because));
  }
}

}  // namespace

ChildId IdOf(const ChildRecord& record) {
  return {Uid{record.uid()}, record.scheduled().seq()};
}

ChildId IdOf(const api::ParentLink& link) {
  return {Uid::FromHex(link.uid()).value_or(Uid{}), link.seq()};
}

api::ParentLink LinkOf(const ChildRecord& record) {
  api::ParentLink link;
  link.set_namespace_(record.namespace_());
  link.set_run_id(record.run_id());
  link.set_uid(Uid{record.uid()}.ToHex());
  link.set_seq(record.scheduled().seq());
  return link;
}

api::ParentClosePolicy PolicyOf(const api::ChildScheduled& scheduled) {
  return scheduled.parent_close_policy() == api::PARENT_CLOSE_POLICY_UNSPECIFIED
             ? api::PARENT_CLOSE_POLICY_TERMINATE
             : scheduled.parent_close_policy();
}

bool IsWanted(const ChildRecord& record) {
  // One that is gone is not started a second time.
  if (record.started() || record.cancel_requested()) return false;
  return record.closing() == api::PARENT_CLOSE_POLICY_UNSPECIFIED ||
         record.closing() == api::PARENT_CLOSE_POLICY_ABANDON;
}

api::ChildClosed ClosedOf(const api::Run& child) {
  api::ChildClosed closed;
  closed.set_seq(child.parent().seq());
  closed.set_run_id(child.run_id());
  closed.set_state(child.state());
  if (child.state() == api::RUN_STATE_COMPLETED) {
    *closed.mutable_result() = child.result();
  } else {
    *closed.mutable_failure() = EndOf(child);
  }
  return closed;
}

api::ChildClosed NeverStarted(const ChildRecord& record, api::Failure failure) {
  api::ChildClosed closed;
  closed.set_seq(record.scheduled().seq());
  closed.set_run_id(record.scheduled().run_id());
  *closed.mutable_failure() = std::move(failure);
  return closed;
}

ChildRecord* Children::Find(ChildId id) {
  auto it = records.find(id);
  return it == records.end() ? nullptr : &it->second;
}

const Children::Notice* Children::FindNotice(ChildId id) const {
  auto it = notices.find(id);
  return it == notices.end() ? nullptr : &it->second;
}

std::vector<ChildId> Children::Of(Uid parent) const {
  std::vector<ChildId> ids;
  for (auto it = records.lower_bound({parent, 0});
       it != records.end() && it->first.parent == parent; ++it) {
    ids.push_back(it->first);
  }
  return ids;
}

}  // namespace anabranch::shard
