#include "flows/fork_compare.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/error_details.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "claude/transcript.h"
#include "flows/branch.h"
#include "flows/definition.h"
#include "flows/fork_compare_input.h"
#include "flows/fork_compare_schema.h"
#include "sdk/flow_context.h"

namespace anabranch::flows {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::JsonPayload;
using sdk::Payload;

constexpr char kConversation[] = "conversation";
constexpr char kCheckpoint[] = "checkpoint";

// --- the door ---

absl::Status CheckConversation(const ForkCompareInput& input,
                               std::string_view bytes) {
  claude::TranscriptOptions options;
  options.leaf = input.leaf;
  const auto transcript = claude::ParseTranscript(bytes, options);
  if (absl::IsNotFound(transcript.status())) {
    return InvalidField("leaf", std::string(transcript.status().message()));
  }
  if (!transcript.ok()) {
    return InvalidField(kConversation,
                        std::string(transcript.status().message()));
  }
  return CheckForkPoint(input, *transcript);
}

absl::StatusOr<sdk::PreparedStart> Prepare(std::string_view input_json,
                                           sdk::PrepareContext& context) {
  ASSIGN_OR_RETURN(const ForkCompareInput input,
                   ParseForkCompareInput(input_json));
  ASSIGN_OR_RETURN(const sdk::PinnedConversation conversation,
                   context.FindConversation(input.conversation));
  RETURN_IF_ERROR(CheckConversation(input, conversation.bytes));
  sdk::PreparedStart start;
  *start.attachments[kConversation].mutable_ref() = conversation.source;
  return start;
}

// --- the flow ---

struct Start {
  ForkCompareInput input;
  Payload conversation;
};

absl::StatusOr<Start> ReadStart(FlowContext& ctx, const FlowInput& input) {
  Start start;
  ASSIGN_OR_RETURN(const std::string json, ctx.Content(input.payload));
  ASSIGN_OR_RETURN(start.input, ParseForkCompareInput(json));
  const auto conversation = input.attachments.find(kConversation);
  if (conversation == input.attachments.end()) {
    return absl::InternalError("the start has no conversation attached");
  }
  start.conversation = conversation->second;
  return start;
}

// The model of branches that name none, as a JSON string token; empty when the
// conversation names none.
std::string DefaultModel(FlowContext& ctx, const Payload& summary) {
  const auto json = ctx.Content(summary);
  if (!json.ok()) return "";
  const auto object = claude::JsonObject::Parse(*json);
  if (!object.ok()) return "";
  const std::string_view model = object->Get("default_model");
  return claude::StringBody(model).empty() ? "" : std::string(model);
}

// Loads and cuts the conversation.
Future<BranchBase> Checkpoint(FlowContext& ctx, Start start) {
  const std::string cut = start.input.CutJson();
  const auto summary = co_await ctx.Start(
      {.type = "conversation.load",
       .name = "load",
       .input = JsonPayload(cut),
       .attachments = {{kConversation, start.conversation}}});
  if (!summary.ok()) co_return summary.status();
  const auto checkpoint = co_await ctx.Start(
      {.type = "conversation.checkpoint",
       .name = kCheckpoint,
       .input = JsonPayload(cut),
       .attachments = {{kConversation, start.conversation}}});
  if (!checkpoint.ok()) co_return checkpoint.status();
  co_return BranchBase{*checkpoint, DefaultModel(ctx, *summary)};
}

std::string CompareInput(
    const std::vector<absl::StatusOr<std::string>>& results) {
  claude::JsonWriter writer;
  writer.BeginObject().Key("branches").BeginArray();
  for (const auto& result : results) writer.Raw(*result);
  writer.EndArray().EndObject();
  return writer.Take();
}

Future<Payload> RunForkCompare(FlowContext& ctx, FlowInput input) {
  const auto start = ReadStart(ctx, input);
  if (!start.ok()) co_return start.status();
  const auto base = co_await Checkpoint(ctx, *start);
  if (!base.ok()) co_return base.status();
  std::vector<Future<std::string>> branches;
  branches.reserve(start->input.branches.size());
  for (const BranchSpec& spec : start->input.branches) {
    branches.push_back(RunBranch(ctx, spec, *base));
  }
  const auto results = co_await sdk::Settled(branches);
  // A branch fails only when the run is being cancelled; others may have ended
  // before.
  for (const auto& result : *results) {
    if (!result.ok()) co_return result.status();
  }
  co_return co_await ctx.Start(
      {.type = "conversation.compare",
       .name = "compare",
       .input = JsonPayload(CompareInput(*results)),
       .attachments = {{kCheckpoint, base->checkpoint}}});
}

}  // namespace

sdk::FlowDefinition ForkCompare() {
  return {
      .name = "fork_compare",
      .description = kForkCompareDescription,
      .input_schema = kForkCompareInputSchema,
      .output_schema = kForkCompareOutputSchema,
      .example = kForkCompareExample,
      .prepare = Prepare,
      .create = Create<RunForkCompare>,
  };
}

}  // namespace anabranch::flows
