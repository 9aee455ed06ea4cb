#include "orchestrator/shard/not_found.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error_details.h"

namespace anabranch::shard {
namespace {

// Of many flows the rest is left out.
constexpr size_t kKnownFlowsMax = 20;

absl::Status NotFound(std::string_view reason, const std::string& message,
                      std::map<std::string, std::string> metadata) {
  return MakeError(absl::StatusCode::kNotFound, reason, message,
                   std::move(metadata));
}

}  // namespace

absl::Status RunNotFound(const log::RunName& name) {
  return NotFound(
      "RUN_NOT_FOUND",
      absl::StrCat("there is no run ", name.run_id, " in namespace ", name.ns,
                   "; `anabranch runs list` shows those that are"),
      {{"run_id", name.run_id}, {"namespace", name.ns}});
}

absl::Status BatchNotFound(std::string_view ns, std::string_view batch_id) {
  const std::string space(ns);
  const std::string id(batch_id);
  return NotFound(
      "BATCH_NOT_FOUND",
      absl::StrCat("there is no batch ", id, " in namespace ", space,
                   "; `anabranch batch list` shows those that are"),
      {{"batch_id", id}, {"namespace", space}});
}

absl::Status FlowNotFound(std::string_view flow,
                          const std::vector<std::string>& known) {
  const std::string name(flow);
  const size_t shown = std::min(known.size(), kKnownFlowsMax);
  std::string names = absl::StrJoin(
      known.begin(), known.begin() + static_cast<ptrdiff_t>(shown), ", ");
  if (shown < known.size()) names += ", …";
  return NotFound("FLOW_NOT_FOUND",
                  absl::StrCat("this server has no flow ", name, "; it has ",
                               names.empty() ? "none" : names),
                  {{"flow", name}, {"flows", names}});
}

absl::Status ConversationNotFound(std::string_view ns, std::string_view id) {
  const std::string space(ns);
  const std::string name(id);
  return NotFound("CONVERSATION_NOT_FOUND",
                  absl::StrCat("there is no conversation ", name,
                               " in namespace ", space, "; import it first"),
                  {{"conversation_id", name}, {"namespace", space}});
}

}  // namespace anabranch::shard
