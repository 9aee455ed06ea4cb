#include "orchestrator/rpc/start_door.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

constexpr int kLabelsMax = 64;
constexpr size_t kLabelValueBytesMax = 1024;
constexpr size_t kReasonBytesMax = 1024;
// Beyond any use, and far from where timestamps end.
constexpr absl::Duration kRunTimeoutMax = absl::Hours(24 * 36'500);

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
  if (name.empty()) {
    return InvalidField("flow",
                        "is required: the name of a flow, for example "
                        "claude_chat; ListFlows names them all");
  }
  const sdk::FlowDefinition* flow = flows.Find(name);
  if (flow == nullptr) return FlowNotFound(name, flows.Names());
  return flow;
}

absl::StatusOr<bool> UsesExisting(api::IdConflictPolicy policy) {
  switch (policy) {
    case api::ID_CONFLICT_POLICY_UNSPECIFIED:
    case api::ID_CONFLICT_POLICY_FAIL:
      return false;
    case api::ID_CONFLICT_POLICY_USE_EXISTING:
      return true;
    default:
      return InvalidField("id_conflict_policy",
                          absl::StrCat("there is no policy ", policy,
                                       "; use FAIL or USE_EXISTING"));
  }
}

absl::StatusOr<absl::Duration> RunTimeout(
    const google::protobuf::Duration& timeout) {
  absl::Duration duration = FromProto(timeout);
  if (duration <= absl::ZeroDuration()) {
    return InvalidField("run_timeout",
                        "must be positive; leave it out for no limit");
  }
  if (duration > kRunTimeoutMax) {
    return InvalidField(
        "run_timeout",
        absl::StrCat("must be at most ", absl::FormatDuration(kRunTimeoutMax),
                     "; leave it out for no limit"));
  }
  return duration;
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
  RETURN_IF_ERROR(CheckOptions(request, start));
  if (flow->prepare == nullptr) return start;
  ASSIGN_OR_RETURN(std::string json, door_.JsonOf(start.input, "input"));
  StoreContext context(reader_, start.name.ns);
  ASSIGN_OR_RETURN(auto prepared, flow->prepare(json, context));
  start.attachments = std::move(prepared.attachments);
  return start;
}

absl::Status StartDoor::CheckOptions(api::StartRunRequest& request,
                                     shard::StartRun& start) const {
  ASSIGN_OR_RETURN(start.use_existing,
                   UsesExisting(request.id_conflict_policy()));
  if (request.has_run_timeout()) {
    ASSIGN_OR_RETURN(start.run_timeout, RunTimeout(request.run_timeout()));
  }
  if (request.signals_size() > limits::kStartSignalsMax) {
    return InvalidField(
        "signals", absl::StrCat("at most ", limits::kStartSignalsMax,
                                " come with one start; send the others with "
                                "SignalRun"));
  }
  for (int i = 0; i < request.signals_size(); ++i) {
    api::StartSignal& given = *request.mutable_signals(i);
    const std::string path = absl::StrCat("signals[", i, "]");
    RETURN_IF_ERROR(CheckId(path + ".signal", given.signal()));
    api::SignalReceived signal;
    ASSIGN_OR_RETURN(*signal.mutable_input(),
                     door_.Accept(std::move(*given.mutable_input()),
                                  path + ".input", "null"));
    signal.set_name(std::move(*given.mutable_signal()));
    start.signals.push_back(std::move(signal));
  }
  return absl::OkStatus();
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
