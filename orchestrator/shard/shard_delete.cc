// DeleteRun: nothing of a run is left, in rounds of bounded size.
//
// The name is free of the run at once. What else there is goes from round to
// round, newest generation first, and a `de` key says where to go on after a
// restart. Content goes with its last owner: `po` lists the owners of one
// content, `ow` the contents of one owner. Only the shard decides that, in the
// order of its batches.
//
// Two kinds of records stay, for they are not the run's alone: `ch`, because a
// child may not have been told yet that its parent is closed, and `pn`, because
// a parent may not have taken its child's end yet. The other side's answer
// deletes each, whether or not the run is still there (children.h).
//
// Content that was stored before there were owners has none, and the runs of
// that time that refer to it cannot be told from those that do not. So it stays
// for ever: nobody owns it, hence nobody's deletion deletes it, and the first
// owner that it is given gets kSomebody beside it, which is never deleted.
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/shard/errors.h"
#include "orchestrator/shard/request_digest.h"
#include "orchestrator/shard/shard.h"

namespace anabranch::shard {
namespace {

// Owns content of which it is not known who refers to it. No generation has
// this uid.
constexpr Uid kSomebody{0};

}  // namespace

void Shard::On(DeleteRun input, Times now) {
  absl::StatusOr<bool> done = Delete(input, now);
  if (done.ok() && !*done) {
    deferred_.emplace_back(std::move(input));
    return;
  }
  Later([reply = std::move(input.reply), status = done.status()] {
    reply(status);
  });
}

absl::StatusOr<bool> Shard::Delete(const DeleteRun& input, Times now) {
  ASSIGN_OR_RETURN(auto uid, runs_.FindUid(input.name));
  if (!uid.has_value()) return RunNotFound(input.name);
  ASSIGN_OR_RETURN(LiveRun * run, runs_.Load(*uid));
  if (run == nullptr) return RunNotFound(input.name);
  if (!run->state.closed()) {
    if (!input.force) return RunStillOpen(input.name, run->state.run);
    api::HistoryEvent event;
    event.mutable_run_terminated()->set_reason("deleted");
    AppendAdministrative(*run, std::move(event), now);
  }
  // Its last status must not be written after it is gone.
  if (changed_.contains(*uid)) return false;
  batch_.DeleteRunIndex(input.name);
  batch_.DeleteListing(input.name.ns, FromProto(run->state.run.create_time()),
                       *uid);
  batch_.PutDeletion(*uid);
  deleting_[*uid] = input.name;
  runs_.Remove(input.name, *uid);
  return true;
}

bool Shard::IsBeingDeleted(const RunName& name) const {
  for (const auto& [uid, deleted] : deleting_) {
    if (deleted == name) return true;
  }
  return false;
}

void Shard::ContinueDeletions() {
  int budget = limits::kDeletedKeysPerRoundMax;
  while (budget > 0 && !deleting_.empty()) {
    auto [uid, name] = *deleting_.begin();
    absl::StatusOr<int> deleted = DeletePart(uid, name, budget);
    AB_CHECK_MSG(deleted.ok(), std::string(deleted.status().message()));
    budget -= *deleted;
    if (budget > 0) FinishDeletion(uid, name);
  }
}

absl::StatusOr<int> Shard::DeletePart(Uid uid, const RunName& name,
                                      int budget) {
  ASSIGN_OR_RETURN(auto keys, store_.ListRunKeys(uid, name, budget));
  int deleted = static_cast<int>(keys.size());
  for (std::string& key : keys) batch_.DeleteKey(std::move(key));
  if (deleted >= budget) return deleted;
  ASSIGN_OR_RETURN(auto contents, store_.ListOwned(uid, budget - deleted));
  for (const std::string& sha256 : contents) {
    RETURN_IF_ERROR(Disown(uid, sha256));
    ++deleted;
  }
  return deleted;
}

void Shard::FinishDeletion(Uid uid, const RunName& name) {
  auto status = store_.ReadStatus(uid);
  AB_CHECK_MSG(status.ok(), std::string(status.status().message()));
  batch_.DeleteStatus(uid);
  batch_.DeleteDeletion(uid);
  deleting_.erase(uid);
  if (!status->has_value() || (*status)->previous_uid() == 0) return;
  const Uid previous{(*status)->previous_uid()};
  batch_.PutDeletion(previous);
  deleting_[previous] = name;
}

absl::Status Shard::RecoverDeletions() {
  ASSIGN_OR_RETURN(auto uids, store_.ReadDeletions());
  for (Uid uid : uids) {
    ASSIGN_OR_RETURN(auto status, store_.ReadStatus(uid));
    RunName& name = deleting_[uid];
    if (!status.has_value()) continue;
    name = {status->run().namespace_(), status->run().run_id()};
  }
  return absl::OkStatus();
}

void Shard::Own(Uid owner, const std::string& sha256) {
  if (!new_owners_.emplace(sha256, owner).second) return;
  if (WasStoredWithoutOwner(sha256) &&
      new_owners_.emplace(sha256, kSomebody).second) {
    batch_.PutOwner(sha256, kSomebody);
  }
  batch_.PutOwner(sha256, owner);
}

bool Shard::WasStoredWithoutOwner(const std::string& sha256) {
  // Content of the batch in hand gets its owner with it; so does what goes and
  // comes in it.
  if (new_payloads_.contains(sha256) || gone_payloads_.contains(sha256)) {
    return false;
  }
  auto owned = store_.HasOwner(sha256, [](Uid) { return true; });
  AB_CHECK_MSG(owned.ok(), std::string(owned.status().message()));
  return !*owned;
}

absl::Status Shard::Disown(Uid owner, const std::string& sha256) {
  batch_.DeleteOwner(sha256, owner);
  gone_owners_.emplace(sha256, owner);
  auto newest = new_owners_.lower_bound({sha256, Uid{}});
  if (newest != new_owners_.end() && newest->first == sha256) {
    return absl::OkStatus();
  }
  auto counts = [this, &sha256](Uid other) {
    return !gone_owners_.contains({sha256, other});
  };
  ASSIGN_OR_RETURN(bool owned, store_.HasOwner(sha256, counts));
  if (owned) return absl::OkStatus();
  batch_.DeletePayload(sha256);
  gone_payloads_.insert(sha256);
  return absl::OkStatus();
}

absl::StatusOr<bool> Shard::HasContent(const std::string& sha256) {
  if (new_payloads_.contains(sha256)) return true;
  if (gone_payloads_.contains(sha256)) return false;
  return store_.HasPayload(sha256);
}

absl::Status Shard::CheckReferences(google::protobuf::Message& message) {
  absl::Status result;
  core::ForEachPayload(message, [this, &result](api::Payload& payload) {
    if (!result.ok() || !payload.has_ref()) return;
    auto known = HasContent(payload.ref().sha256());
    if (!known.ok()) {
      result = known.status();
    } else if (!*known) {
      result = PayloadGone(payload.ref().sha256());
    }
  });
  return result;
}

Uid Shard::ConversationOwner(const std::string& ns, const std::string& id) {
  const std::string digest = Digest({"conversation", ns, id});
  return Uid::FromHex(digest.substr(0, 16)).value_or(Uid{});
}

}  // namespace anabranch::shard
