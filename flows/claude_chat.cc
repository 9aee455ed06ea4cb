#include "flows/claude_chat.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"
#include "flows/claude_chat_schema.h"
#include "flows/definition.h"
#include "flows/input_object.h"
#include "flows/model_limits.h"
#include "sdk/flow_context.h"

namespace anabranch::flows {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

constexpr int64_t kTimeoutSecondsMax = 86'400;

struct Turn {
  std::string input_json;  // the user's texts are spliced in as they stand
  sdk::ActivityOptions options;
};

absl::StatusOr<Turn> ReadTurn(std::string_view input_json) {
  InputProblems problems;
  const InputObject input(
      input_json, "",
      {"prompt", "model", "system", "max_tokens", "timeout_seconds"}, problems);
  const std::string_view prompt = input.RequiredText("prompt");
  const std::string_view model = input.Text("model");
  const std::string_view system = input.StringToken("system");
  const int64_t max_tokens =
      input.Integer("max_tokens", 1, kMaxTokensMax).value_or(kMaxTokensDefault);
  const auto timeout_seconds =
      input.Integer("timeout_seconds", 1, kTimeoutSecondsMax);
  RETURN_IF_ERROR(problems.status());

  claude::JsonWriter turn;
  turn.BeginObject();
  turn.Key("model");
  if (model.empty()) {
    turn.String(kChatModelDefault);
  } else {
    turn.Raw(model);
  }
  turn.Key("max_tokens").Int(max_tokens);
  if (!system.empty() && !IsBlank(system)) turn.Key("system").Raw(system);
  turn.Key("messages").BeginArray().BeginObject();
  turn.Key("role").String("user").Key("content").Raw(prompt);
  turn.EndObject().EndArray().EndObject();
  Turn result{turn.Take(), {}};
  if (timeout_seconds.has_value()) {
    result.options.mutable_start_to_close_timeout()->set_seconds(
        *timeout_seconds);
  }
  return result;
}

absl::StatusOr<std::string> ChatResult(std::string_view turn_result) {
  ASSIGN_OR_RETURN(const auto reply, claude::JsonObject::Parse(turn_result));
  claude::JsonWriter result;
  result.BeginObject();
  for (const std::string_view field :
       {"text", "model", "stop_reason", "usage", "request_id"}) {
    const std::string_view value = reply.Get(field);
    result.Key(field).Raw(value.empty() ? "null" : value);
  }
  result.EndObject();
  return result.Take();
}

Future<Payload> Chat(FlowContext& ctx, FlowInput input) {
  const auto json = ctx.Content(input.payload);
  if (!json.ok()) co_return json.status();
  auto turn = ReadTurn(*json);
  if (!turn.ok()) co_return turn.status();
  const auto reply =
      co_await ctx.Start({.type = "claude.messages",
                          .name = "turn-1",
                          .input = sdk::JsonPayload(turn->input_json),
                          .options = turn->options});
  if (!reply.ok()) co_return reply.status();
  const auto reply_json = ctx.Content(*reply);
  if (!reply_json.ok()) co_return reply_json.status();
  auto result = ChatResult(*reply_json);
  if (!result.ok()) co_return result.status();
  co_return sdk::JsonPayload(*std::move(result));
}

}  // namespace

sdk::FlowDefinition ClaudeChat() {
  return {
      .name = "claude_chat",
      .description = kClaudeChatDescription,
      .input_schema = kClaudeChatInputSchema,
      .output_schema = kClaudeChatOutputSchema,
      .example = kClaudeChatExample,
      .prepare = PrepareBy<ReadTurn>,
      .create = Create<Chat>,
  };
}

}  // namespace anabranch::flows
