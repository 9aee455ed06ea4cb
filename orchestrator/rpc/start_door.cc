#include "orchestrator/rpc/start_door.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

constexpr int kLabelsMax = 64;
constexpr size_t kLabelValueBytesMax = 1024;
constexpr size_t kReasonBytesMax = 1024;

class StoreContext : public sdk::PrepareContext {
 public:
  StoreContext(log::StoreReader& reader, std::string ns)
      : reader_(reader), ns_(std::move(ns)) {}

  absl::StatusOr<sdk::PinnedConversation> FindConversation(
      std::string_view conversation_id) override {
    ASSIGN_OR_RETURN(auto record,
                     reader_.ReadConversation(ns_, conversation_id));
    if (!record.has_value()) return ConversationNotFound(ns_, conversation_id);
    ASSIGN_OR_RETURN(auto content,
                     reader_.ReadPayload(record->source().sha256()));
    return sdk::PinnedConversation{record->source(), std::move(content.bytes)};
  }

 private:
  log::StoreReader& reader_;
  std::string ns_;
};

absl::Status CheckLabels(const std::map<std::string, std::string>& labels) {
  if (labels.size() > kLabelsMax) {
    return InvalidField("labels",
                        absl::StrCat("at most ", kLabelsMax, " are allowed"));
  }
  for (const auto& [key, value] : labels) {
    RETURN_IF_ERROR(CheckId("labels", key));
    if (value.size() > kLabelValueBytesMax) {
      return InvalidField(
          absl::StrCat("labels[", key, "]"),
          absl::StrCat("exceeds ", kLabelValueBytesMax, " bytes"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<const sdk::FlowDefinition*> FindFlow(
    const sdk::FlowRegistry& flows, const std::string& name) {
  std::vector<std::string> known;
  for (const auto* flow : flows.List()) known.push_back(flow->name);
  if (name.empty()) {
    return InvalidField("flow",
                        "is required: the name of a flow, for example "
                        "claude_chat; ListFlows names them all");
  }
  const sdk::FlowDefinition* flow = flows.Find(name);
  if (flow == nullptr) return FlowNotFound(name, known);
  return flow;
}

}  // namespace

absl::Status CheckRequestId(const std::string& request_id) {
  bool printable =
      std::all_of(request_id.begin(), request_id.end(),
                  [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (printable && request_id.size() <= limits::kIdBytesMax) {
    return absl::OkStatus();
  }
  return InvalidField("request_id",
                      absl::StrCat("must be at most ", limits::kIdBytesMax,
                                   " printable characters; a UUID is best"));
}

absl::Status CheckReason(const std::string& reason) {
  if (reason.size() <= kReasonBytesMax) return absl::OkStatus();
  return InvalidField("reason",
                      absl::StrCat("exceeds ", kReasonBytesMax, " bytes"));
}

absl::StatusOr<shard::StartRun> StartDoor::Check(
    api::StartRunRequest request) const {
  shard::StartRun start;
  start.name.ns = request.namespace_().empty()
                      ? "default"
                      : std::move(*request.mutable_namespace_());
  start.name.run_id = std::move(*request.mutable_run_id());
  start.flow = std::move(*request.mutable_flow());
  start.request_id = std::move(*request.mutable_request_id());
  RETURN_IF_ERROR(CheckId("namespace", start.name.ns));
  if (!start.name.run_id.empty()) {
    RETURN_IF_ERROR(CheckId("run_id", start.name.run_id));
  }
  RETURN_IF_ERROR(CheckRequestId(start.request_id));
  start.labels = {request.labels().begin(), request.labels().end()};
  RETURN_IF_ERROR(CheckLabels(start.labels));
  ASSIGN_OR_RETURN(const sdk::FlowDefinition* flow,
                   FindFlow(flows_, start.flow));
  ASSIGN_OR_RETURN(
      start.input,
      door_.Accept(std::move(*request.mutable_input()), "input", "{}"));
  if (flow->prepare == nullptr) return start;
  ASSIGN_OR_RETURN(std::string json, door_.JsonOf(start.input, "input"));
  StoreContext context(reader_, start.name.ns);
  ASSIGN_OR_RETURN(auto prepared, flow->prepare(json, context));
  start.attachments = std::move(prepared.attachments);
  return start;
}

api::Run StartDoor::Preview(const shard::StartRun& start) {
  api::Run run;
  run.set_namespace_(start.name.ns);
  run.set_run_id(start.name.run_id);
  run.set_flow(start.flow);
  // What was sent in is not sent back when it is large.
  if (start.input.ByteSizeLong() <= limits::kInlinePayloadBytesMax) {
    *run.mutable_input() = start.input;
    ShowPayloads(*run.mutable_input());
  }
  for (const auto& [key, value] : start.labels) {
    (*run.mutable_labels())[key] = value;
  }
  return run;
}

}  // namespace anabranch::rpc
