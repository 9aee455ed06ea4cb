#include "orchestrator/core/child.h"

#include <algorithm>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/id_syntax.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/sha256.h"

namespace anabranch::core {
namespace {

// 128 bits of the hash: no two ids meet by chance.
constexpr size_t kHashDigits = 32;

absl::Status CheckChild(const RunState& parent,
                        const api::StartChild& command) {
  if (static_cast<int>(parent.open_children.size()) >=
      limits::kOpenChildrenPerRunMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", limits::kOpenChildrenPerRunMax,
                     " open children in one run: wait for some first"));
  }
  if (command.flow().empty()) {
    return absl::InvalidArgumentError("the child has no flow");
  }
  if (!command.run_id().empty() && !IsIdSyntax(command.run_id())) {
    constexpr size_t kShown = 64;
    return absl::InvalidArgumentError(absl::StrCat(
        "the child's run_id \"", command.run_id().substr(0, kShown),
        "\" is not valid: ", kIdSyntaxText));
  }
  if (command.run_id() == parent.run.run_id() && !command.run_id().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the child's run_id ", command.run_id(),
                     " is its parent's: give it another, or none"));
  }
  if (!api::ParentClosePolicy_IsValid(command.parent_close_policy())) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown parent_close_policy ",
                     static_cast<int>(command.parent_close_policy())));
  }
  if (command.has_run_timeout() &&
      FromProto(command.run_timeout()) <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "the child's run_timeout must be above 0; leave it out for no limit");
  }
  return absl::OkStatus();
}

}  // namespace

std::string MadeChildId(const RunState& parent, int64_t seq) {
  std::string id = parent.run.run_id();
  if (parent.run.generation() > 1) {
    absl::StrAppend(&id, ".g", parent.run.generation());
  }
  absl::StrAppend(&id, ".", seq);
  constexpr size_t kMax = limits::kIdBytesMax;
  if (id.size() <= kMax) return id;
  const std::string hash = Sha256Hex(id).substr(0, kHashDigits);
  return absl::StrCat(id.substr(0, kMax - 1 - kHashDigits), ".", hash);
}

absl::StatusOr<api::ChildScheduled> ScheduleChild(
    const RunState& parent, int64_t seq, const api::StartChild& command) {
  absl::Status checked = CheckChild(parent, command);
  if (!checked.ok()) return checked;
  api::ChildScheduled scheduled;
  scheduled.set_seq(seq);
  scheduled.set_flow(command.flow());
  scheduled.set_run_id(command.run_id().empty() ? MadeChildId(parent, seq)
                                                : command.run_id());
  *scheduled.mutable_input() = command.input();
  scheduled.set_parent_close_policy(command.parent_close_policy() ==
                                            api::PARENT_CLOSE_POLICY_UNSPECIFIED
                                        ? api::PARENT_CLOSE_POLICY_TERMINATE
                                        : command.parent_close_policy());
  if (command.has_run_timeout()) {
    *scheduled.mutable_run_timeout() = command.run_timeout();
  }
  return scheduled;
}

}  // namespace anabranch::core
