#include "tests/program/interpret.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "sdk/failure.h"
#include "sdk/flow_context.h"
#include "sdk/flow_instance.h"
#include "sdk/future.h"
#include "tests/program/options.h"
#include "tests/program/parse.h"

namespace anabranch::program {
namespace {

using sdk::FlowContext;
using sdk::FlowInput;
using sdk::Future;
using sdk::Payload;

// What a branch carries along. All blocks belong to `program`, which each
// frame keeps alive: pointers to statements do not dangle.
struct Frame {
  std::shared_ptr<const Block> program;
  Environment* environment = nullptr;
  // JSON texts that the branch has gathered.
  std::shared_ptr<std::vector<std::string>> values;

  Frame Branch() const {
    return {program, environment, std::make_shared<std::vector<std::string>>()};
  }
  std::string List() const {
    return absl::StrCat("[", absl::StrJoin(*values, ","), "]");
  }
};

// How a statement or block ended, when it did not fail.
struct Ended {
  bool returned = false;
  // What it returned.
  std::string json;
};

Future<Ended> RunBlock(FlowContext& ctx, Frame frame, const Block* block);

std::string JsonOf(FlowContext& ctx, const Payload& payload) {
  auto content = ctx.Content(payload);
  AB_CHECK(content.ok());
  bool is_json = payload.has_json_text() ||
                 payload.ref().encoding() == v1::PAYLOAD_ENCODING_JSON;
  if (is_json) return *content;
  return content->empty() ? "null" : nlohmann::json(*content).dump();
}

// A branch's list, or what it returned.
Future<std::string> RunBranch(FlowContext& ctx, Frame frame,
                              const Block* block) {
  auto ended = co_await RunBlock(ctx, frame, block);
  if (!ended.ok()) co_return ended.status();
  co_return ended->returned ? ended->json : frame.List();
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Call* call) {
  auto options = ToActivityOptions(call->options);
  AB_CHECK(options.ok());
  auto name = call->options.find("name");
  auto result = co_await ctx.Start(
      {.type = call->type,
       .name = name == call->options.end() ? std::string() : name->second,
       .input = sdk::JsonPayload(call->input),
       .options = *options});
  if (!result.ok()) co_return result.status();
  frame.values->push_back(JsonOf(ctx, *result));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame, const Timer* timer) {
  auto fired = co_await ctx.StartTimer(timer->duration);
  if (!fired.ok()) co_return fired.status();
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Receive* receive) {
  auto signal = co_await ctx.ReceiveSignal(receive->signal);
  if (!signal.ok()) co_return signal.status();
  frame.values->push_back(JsonOf(ctx, *signal));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame, const AwaitCancel*) {
  auto requested = co_await ctx.CancelRequested();
  if (!requested.ok()) co_return requested.status();
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Draw* draw) {
  if (draw->kind == Draw::Kind::kNow) {
    frame.values->push_back(absl::StrCat(absl::ToUnixMillis(ctx.Now())));
  } else if (draw->kind == Draw::Kind::kRandom) {
    frame.values->push_back(absl::StrCat(ctx.Random()));
  } else {
    frame.values->push_back(absl::StrCat("\"", ctx.Uuid(), "\""));
  }
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const SideEffect* effect) {
  Environment* environment = frame.environment;
  Payload value = ctx.SideEffect(effect->name, [environment] {
    return sdk::JsonPayload(absl::StrCat(++environment->draws));
  });
  frame.values->push_back(JsonOf(ctx, value));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Many* many) {
  std::vector<Future<std::string>> branches;
  for (int i = 0; i < many->count; ++i) {
    branches.push_back(RunBranch(ctx, frame.Branch(), &many->body));
  }
  auto lists = co_await sdk::AllOf(branches);
  if (!lists.ok()) co_return lists.status();
  frame.values->push_back(absl::StrCat("[", absl::StrJoin(*lists, ","), "]"));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Loop* loop) {
  for (int i = 0; i < loop->count; ++i) {
    auto ended = co_await RunBlock(ctx, frame, &loop->body);
    if (!ended.ok()) co_return ended.status();
    if (ended->returned) co_return *ended;
  }
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Go* go) {
  RunBranch(ctx, frame.Branch(), &go->body);
  co_return Ended{};
}

Future<Ended> Settle(FlowContext&, Frame frame,
                     std::vector<Future<std::string>> branches) {
  auto results = co_await sdk::Settled(branches);
  std::vector<std::string> lists;
  for (const auto& result : *results) {
    lists.push_back(
        result.ok()
            ? *result
            : nlohmann::json{{"failed",
                              sdk::FailureFromStatus(result.status()).type()}}
                  .dump());
  }
  frame.values->push_back(absl::StrCat("[", absl::StrJoin(lists, ","), "]"));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Join* join) {
  std::vector<Future<std::string>> branches;
  for (const Block& branch : join->branches) {
    branches.push_back(RunBranch(ctx, frame.Branch(), &branch));
  }
  if (join->kind == Join::Kind::kSettled) {
    auto ended = co_await Settle(ctx, frame, branches);
    co_return ended;
  }
  if (join->kind == Join::Kind::kAny) {
    auto first = co_await sdk::AnyOf(branches);
    auto list = branches[*first].result();
    if (!list.ok()) co_return list.status();
    frame.values->push_back(absl::StrCat("[", *first, ",", *list, "]"));
    co_return Ended{};
  }
  auto lists = co_await sdk::AllOf(branches);
  if (!lists.ok()) co_return lists.status();
  frame.values->push_back(absl::StrCat("[", absl::StrJoin(*lists, ","), "]"));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Try* attempt) {
  auto ended = co_await RunBlock(ctx, frame, &attempt->body);
  if (ended.ok()) co_return *ended;
  std::string type = sdk::FailureFromStatus(ended.status()).type();
  for (const Handler& handler : attempt->handlers) {
    if (handler.type != "*" && handler.type != type) continue;
    auto handled = co_await RunBlock(ctx, frame, &handler.body);
    co_return handled;
  }
  co_return ended.status();
}

Future<Ended> Run(FlowContext&, Frame frame, const Return* statement) {
  co_return Ended{true,
                  statement->json.empty() ? frame.List() : statement->json};
}

Future<Ended> Run(FlowContext&, Frame, const Fail* fail) {
  co_return sdk::StatusFromFailure(sdk::MakeFailure(fail->type, fail->message));
}

Future<Ended> Run(FlowContext&, Frame, const Throw* statement) {
  throw std::runtime_error(statement->message);
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame, const Log* log) {
  ctx.Log(log->line);
  co_return Ended{};
}

Future<Ended> RunBlock(FlowContext& ctx, Frame frame, const Block* block) {
  for (const Statement& statement : *block) {
    // No coroutine itself: it only picks the one to start.
    auto ended = co_await std::visit(
        [&ctx, &frame](const auto& one) { return Run(ctx, frame, &one); },
        statement.kind);
    if (!ended.ok()) co_return ended.status();
    if (ended->returned) co_return *ended;
  }
  co_return Ended{};
}

Future<Payload> RunProgram(FlowContext& ctx,
                           std::shared_ptr<const Block> program,
                           Environment* environment) {
  Frame frame{program, environment, nullptr};
  auto json = co_await RunBranch(ctx, frame.Branch(), program.get());
  if (!json.ok()) co_return json.status();
  co_return sdk::JsonPayload(*json);
}

// A program's text, from a text payload or a JSON string.
std::string TextOf(FlowContext& ctx, const Payload& payload) {
  auto json = nlohmann::json::parse(JsonOf(ctx, payload), nullptr, false);
  return json.is_string() ? json.get<std::string>() : std::string();
}

Future<Payload> RunInput(FlowContext& ctx, FlowInput input,
                         Environment* environment) {
  auto program = ParseProgram(TextOf(ctx, input.payload));
  if (!program.ok()) {
    co_return sdk::StatusFromFailure(sdk::MakeFailure(
        "bad_program", std::string(program.status().message())));
  }
  auto result = co_await RunProgram(
      ctx, std::make_shared<const Block>(*std::move(program)), environment);
  co_return result;
}

void Register(sdk::FlowRegistry& flows, const std::string& name,
              sdk::FlowStarter starter) {
  sdk::FlowDefinition flow;
  flow.name = name;
  flow.create = [starter = std::move(starter)] {
    return std::make_unique<sdk::FlowInstance>(starter);
  };
  flows.Register(std::move(flow));
}

}  // namespace

void RegisterInterpreter(sdk::FlowRegistry& flows, Environment& environment) {
  Register(flows, "program", [&environment](FlowContext& ctx, FlowInput input) {
    return RunInput(ctx, std::move(input), &environment);
  });
}

void RegisterProgram(sdk::FlowRegistry& flows, const std::string& name,
                     Block program, Environment& environment) {
  auto shared = std::make_shared<const Block>(std::move(program));
  Register(flows, name, [shared, &environment](FlowContext& ctx, FlowInput) {
    return RunProgram(ctx, shared, &environment);
  });
}

}  // namespace anabranch::program
