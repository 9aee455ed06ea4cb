#include "tests/program/statements.h"

#include <map>
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
#include "sdk/race.h"
#include "sdk/scope.h"
#include "tests/program/options.h"
#include "tests/program/print.h"

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
  // What the statements start belongs to it.
  sdk::Scope scope;
  // Scopes by name that the branch is in.
  std::map<std::string, sdk::Scope> scopes = {};
  // JSON texts that the branch has gathered.
  std::shared_ptr<std::vector<std::string>> values =
      std::make_shared<std::vector<std::string>>();
  // Queries that it answers.
  std::shared_ptr<std::vector<sdk::Answer>> answers =
      std::make_shared<std::vector<sdk::Answer>>();

  Frame Branch() const { return Branch(scope); }
  Frame Branch(const sdk::Scope& own) const {
    return {program, environment, own, scopes};
  }
  Frame Within(const sdk::Scope& inner, const std::string& name) const {
    Frame frame = *this;
    frame.scope = inner;
    if (!name.empty()) frame.scopes.insert_or_assign(name, inner);
    return frame;
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
  auto result = co_await frame.scope.Start(
      {.type = call->type,
       .name = name == call->options.end() ? std::string() : name->second,
       .input = sdk::JsonPayload(call->input),
       .options = *options});
  if (!result.ok()) co_return result.status();
  frame.values->push_back(JsonOf(ctx, *result));
  co_return Ended{};
}

Future<Ended> Run(FlowContext&, Frame frame, const Timer* timer) {
  auto fired = co_await frame.scope.StartTimer(timer->duration);
  if (!fired.ok()) co_return fired.status();
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Receive* receive) {
  auto signal = co_await frame.scope.ReceiveSignal(receive->signal);
  if (!signal.ok()) co_return signal.status();
  frame.values->push_back(JsonOf(ctx, *signal));
  co_return Ended{};
}

Future<Ended> Run(FlowContext&, Frame frame, const AwaitCancel*) {
  auto requested = co_await frame.scope.Cancelled();
  if (!requested.ok()) co_return requested.status();
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Draw* draw) {
  if (draw->kind == Draw::Kind::kNow) {
    frame.values->push_back(absl::StrCat(absl::ToUnixMillis(ctx.Now())));
  } else if (draw->kind == Draw::Kind::kRandom) {
    frame.values->push_back(absl::StrCat(ctx.Random()));
  } else if (draw->kind == Draw::Kind::kUuid) {
    frame.values->push_back(absl::StrCat("\"", ctx.Uuid(), "\""));
  } else {
    frame.values->push_back(ctx.ContinueAsNewSuggested() ? "true" : "false");
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
            : nlohmann::json{{"failed", sdk::FailureOf(result).type()}}.dump());
  }
  frame.values->push_back(absl::StrCat("[", absl::StrJoin(lists, ","), "]"));
  co_return Ended{};
}

// "[index, list]"
Future<std::string> RunNumbered(FlowContext& ctx, Frame frame, size_t index,
                                const Block* block) {
  auto list = co_await RunBranch(ctx, frame, block);
  if (!list.ok()) co_return list.status();
  co_return absl::StrCat("[", index, ",", *list, "]");
}

Future<std::string> RaceOf(FlowContext& ctx, Frame frame, const Join* join) {
  std::vector<sdk::RaceBranch<std::string>> branches;
  for (size_t i = 0; i < join->branches.size(); ++i) {
    const Block* block = &join->branches[i];
    branches.emplace_back(
        [frame, i, block](FlowContext& context, const sdk::Scope& scope) {
          return RunNumbered(context, frame.Branch(scope), i, block);
        });
  }
  return sdk::Race<std::string>(ctx, frame.scope, branches);
}

Future<std::string> FirstOf(FlowContext& ctx, Frame frame, const Join* join) {
  std::vector<Future<std::string>> branches;
  for (size_t i = 0; i < join->branches.size(); ++i) {
    branches.push_back(RunNumbered(ctx, frame.Branch(), i, &join->branches[i]));
  }
  return sdk::FirstSuccess(branches);
}

Future<Ended> AddOne(FlowContext&, Frame frame, Future<std::string> future) {
  auto value = co_await future;
  if (!value.ok()) co_return value.status();
  frame.values->push_back(*value);
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Join* join) {
  if (join->kind == Join::Kind::kRace) {
    auto ended = co_await AddOne(ctx, frame, RaceOf(ctx, frame, join));
    co_return ended;
  }
  if (join->kind == Join::Kind::kFirst) {
    auto ended = co_await AddOne(ctx, frame, FirstOf(ctx, frame, join));
    co_return ended;
  }
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
  std::string type = sdk::FailureOf(ended).type();
  for (const Handler& handler : attempt->handlers) {
    if (handler.type != "*" && handler.type != type) continue;
    auto handled = co_await RunBlock(ctx, frame, &handler.body);
    co_return handled;
  }
  co_return ended.status();
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const InScope* scope) {
  sdk::Scope inner = scope->name.empty() ? sdk::Scope::Shielded(ctx)
                                         : sdk::Scope(ctx, frame.scope);
  auto ended =
      co_await RunBlock(ctx, frame.Within(inner, scope->name), &scope->body);
  co_return ended;
}

Future<Ended> Run(FlowContext&, Frame frame, const CancelScope* cancel) {
  auto scope = frame.scopes.find(cancel->name);
  if (scope == frame.scopes.end()) {
    co_return sdk::StatusFromFailure(sdk::MakeFailure(
        "bad_program", absl::StrCat("no scope ", cancel->name, " around")));
  }
  scope->second.Cancel();
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame, const Publish* publish) {
  ctx.Publish(publish->name, sdk::JsonPayload(publish->value));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Answer* answer) {
  auto values = frame.values;
  std::string fixed = answer->value;
  frame.answers->push_back(ctx.Answer(
      answer->name, [values, fixed](const Payload&) -> absl::StatusOr<Payload> {
        return sdk::JsonPayload(
            fixed.empty() ? absl::StrCat("[", absl::StrJoin(*values, ","), "]")
                          : fixed);
      }));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Patch* patch) {
  const Block* way = ctx.Patched(patch->id) ? &patch->newer : &patch->older;
  auto ended = co_await RunBlock(ctx, frame, way);
  co_return ended;
}

Future<Ended> Run(FlowContext& ctx, Frame, const DeprecatePatch* patch) {
  ctx.DeprecatePatch(patch->id);
  co_return Ended{};
}

Payload TextPayload(const Block& program) {
  Payload payload;
  payload.set_text(PrintProgram(program));
  return payload;
}

Future<Ended> Run(FlowContext& ctx, Frame frame, const Child* child) {
  auto options = ToChildOptions(child->options);
  AB_CHECK(options.ok());
  auto future = frame.scope.StartChild({.flow = options->flow,
                                        .run_id = child->run_id,
                                        .input = TextPayload(child->program),
                                        .parent_close_policy = options->policy,
                                        .run_timeout = options->timeout});
  if (options->wait_started) {
    auto run_id = co_await ctx.ChildStarted(future);
    if (!run_id.ok()) co_return run_id.status();
    frame.values->push_back(nlohmann::json(*run_id).dump());
    co_return Ended{};
  }
  auto result = co_await future;
  if (!result.ok()) co_return result.status();
  frame.values->push_back(JsonOf(ctx, *result));
  co_return Ended{};
}

Future<Ended> Run(FlowContext& ctx, Frame, const Continue* next) {
  auto never = co_await ctx.ContinueAsNew(TextPayload(next->program));
  co_return never.status();
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

}  // namespace

std::string JsonOf(FlowContext& ctx, const Payload& payload) {
  auto content = ctx.Content(payload);
  AB_CHECK(content.ok());
  bool is_json = payload.has_json_text() ||
                 payload.ref().encoding() == v1::PAYLOAD_ENCODING_JSON;
  if (is_json) return *content;
  return content->empty() ? "null" : nlohmann::json(*content).dump();
}

Future<Payload> RunProgram(FlowContext& ctx,
                           std::shared_ptr<const Block> program,
                           Environment* environment) {
  Frame frame{program, environment, sdk::Scope(ctx)};
  auto json = co_await RunBranch(ctx, frame, program.get());
  if (!json.ok()) co_return json.status();
  co_return sdk::JsonPayload(*json);
}

}  // namespace anabranch::program
