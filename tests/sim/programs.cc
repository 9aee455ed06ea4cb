#include "tests/sim/programs.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "tests/sim/family_programs.h"
#include "tests/sim/judges.h"
#include "tests/sim/option_programs.h"

namespace anabranch::sim {
namespace {

using nlohmann::json;

Program Sequence(World& world) {
  json steps = json::array();
  int64_t value = 1;
  for (int64_t i = world.Between(1, 5); i > 0; --i) {
    steps.push_back(DrawWork(world, 0));
    value = value * 2 + 1;
  }
  return {"sequence", json{{"steps", steps}}.dump(), {}, Completes(value)};
}

Program Big(World& world) {
  json input = {{"do", "big"}, {"value", 3}, {"ms", world.Between(1, 300)}};
  return {"big", input.dump(), {}, Completes(15)};
}

Program FanOut(World& world) {
  json steps = json::array();
  int64_t sum = 0;
  for (int64_t i = world.Between(2, 8); i > 0; --i) {
    steps.push_back(DrawWork(world, i));
    sum += 2 * i + 1;
  }
  return {"fan_out", json{{"steps", steps}}.dump(), {}, Completes(sum)};
}

Program Once(World& world) {
  switch (world.Between(0, 3)) {
    case 0:
      return {"once",
              json{{"do", "bad"}, {"attempts", 50}}.dump(),
              {},
              Fails({"bad"})};
    case 1:
      return {"once",
              json{{"do", "always"}, {"attempts", 3}}.dump(),
              {},
              Fails({"always", "worker_lost", "timeout"})};
    case 2: {
      // Too slow: it completes only where the worker cannot be told to stop.
      json input = {{"do", "ok"},
                    {"value", 4},
                    {"ms", 3000},
                    {"attempts", 2},
                    {"seconds", 1}};
      auto completes = Completes(9);
      auto fails = Fails({"timeout", "worker_lost"});
      return {"once",
              input.dump(),
              {},
              [=](const v1::Run& run, const std::string& result) {
                return run.state() == v1::RUN_STATE_COMPLETED
                           ? completes(run, result)
                           : fails(run, result);
              }};
    }
    default: {
      json input = {
          {"do", "flaky"}, {"value", 4}, {"fails", 3}, {"attempts", 50}};
      return {"once", input.dump(), {}, Completes(9)};
    }
  }
}

Program Race(World& world) {
  json input = DrawWork(world, 7);
  input["limit"] = world.Between(10, 1000);
  return {"race",
          input.dump(),
          {},
          [](const v1::Run& run, const std::string& result) {
            std::string work = Completes(15)(run, result);
            return work.empty() ? work : Completes(2001)(run, result);
          }};
}

Program Signals(World& world) {
  Program program;
  int64_t sum = 0;
  int64_t count = world.Between(1, 4);
  for (int64_t i = 1; i <= count; ++i) {
    int64_t value = i * i * 10;
    sum += value;
    program.steps.push_back(
        {world.Between(absl::ZeroDuration(), absl::Seconds(6)),
         Step::Kind::kSignal, "add", std::to_string(value)});
  }
  // Nobody reads these; once the run is closed they are refused.
  for (int64_t i = world.Between(0, 2); i > 0; --i) {
    program.steps.push_back(
        {world.Between(absl::ZeroDuration(), absl::Seconds(6)),
         Step::Kind::kSignal, kUnreadSignal, "1"});
  }
  program.flow = "signals";
  program.input_json = json{{"count", count}}.dump();
  program.judge = Completes(sum);
  return program;
}

Program Nested(World& world) {
  json steps = json::array();
  int64_t sum = 0;
  for (int64_t i = world.Between(2, 4); i > 0; --i) {
    json work = DrawWork(world, i);
    work["wait"] = world.Between(0, 1500);
    steps.push_back(work);
    sum += 4 * i + 3;
  }
  return {"nested", json{{"steps", steps}}.dump(), {}, Completes(sum)};
}

Program Sleeps(World& world) {
  json sleeps = json::array();
  int64_t sum = 0;
  for (int64_t i = world.Between(1, 4); i > 0; --i) {
    int64_t ms = world.Between(0, 2000);
    sleeps.push_back(ms);
    sum += ms;
  }
  return {"sleeps",
          json{{"sleeps", sleeps}}.dump(),
          {},
          [sum](const v1::Run& run, const std::string& result) {
            bool good = run.state() == v1::RUN_STATE_COMPLETED &&
                        json::parse(result).value("value", int64_t{0}) >= sum;
            return good ? "" : Told(run, result);
          }};
}

Program Patient(World& world) {
  Program program;
  bool cancel = world.Chance(0.5);
  program.flow = "patient";
  program.input_json = DrawWork(world, 1).dump();
  program.steps.push_back(
      {world.Between(absl::ZeroDuration(), absl::Seconds(6)),
       cancel ? Step::Kind::kCancel : Step::Kind::kTerminate, "", ""});
  program.judge =
      Ends(cancel ? v1::RUN_STATE_CANCELLED : v1::RUN_STATE_TERMINATED);
  return program;
}

Program Draws(World&) {
  return {"draws", "{}", {}, [](const v1::Run& run, const std::string& result) {
            json told = json::parse(result, nullptr, false);
            if (!told.is_object()) return Told(run, result);
            int64_t drawn = told.value("drawn", int64_t{0});
            return Completes(2 * drawn + 1)(run, result);
          }};
}

Program Throws(World& world) {
  Program program;
  program.flow = "throws";
  program.input_json = "{}";
  for (int i = 0; i < 3; ++i) {
    program.steps.push_back(
        {world.Between(absl::ZeroDuration(), absl::Seconds(4)),
         Step::Kind::kSignal, "go", "1"});
  }
  program.steps.push_back({absl::Seconds(8), Step::Kind::kTerminate, "", ""});
  program.judge = Ends(v1::RUN_STATE_TERMINATED);
  return program;
}

// Nested at random, carried out by the interpreter of tests/program.
Program Random(World& world) {
  auto nodes = std::make_shared<const NodeBlock>(DrawProgram(world));
  Program program;
  program.flow = "program";
  program.input_json = json(TextOf(*nodes)).dump();
  for (const auto& [name, count] : SignalsOf(*nodes)) {
    for (int64_t i = 0; i < count; ++i) {
      program.steps.push_back(
          {world.Between(absl::ZeroDuration(), absl::Seconds(6)),
           Step::Kind::kSignal, name, std::to_string(SignalValue(name))});
    }
  }
  const Outcome outcome = OutcomeOf(*nodes);
  program.judge = [outcome](const v1::Run& run, const std::string& result) {
    const bool completed = run.state() == v1::RUN_STATE_COMPLETED;
    if (!completed && run.state() != v1::RUN_STATE_FAILED) {
      return Told(run, result);
    }
    if (!outcome.confluent) return std::string();
    if (completed == outcome.failed) return Told(run, result);
    if (!completed || WithoutTokens(result) == outcome.json) {
      return std::string();
    }
    return absl::StrCat(Told(run, result), ", not ", outcome.json);
  };
  program.random = std::move(nodes);
  return program;
}

// Any of them, cancelled on its way.
Program Cancelled(Program program, World& world) {
  program.steps.push_back(
      {world.Between(absl::ZeroDuration(), absl::Seconds(3)),
       Step::Kind::kCancel, "", ""});
  program.judge = [judge = program.judge](const v1::Run& run,
                                          const std::string& result) {
    if (run.state() == v1::RUN_STATE_CANCELLED) return std::string();
    // A handler may have taken the cancellation for a failure.
    if (result.find("\"cancelled\"") != std::string::npos) return std::string();
    return judge(run, result);
  };
  return program;
}

Program Draw(World& world) {
  Program (*const all[])(World&) = {Sequence, Big,    FanOut, Once,    Race,
                                    Signals,  Nested, Sleeps, Patient, Draws};
  if (world.Chance(0.06)) return Throws(world);
  if (world.Chance(0.3)) return ActsProgram(world);
  if (world.Chance(0.13)) return CrowdProgram(world);
  if (world.Chance(0.04)) return SharedProgram(world);
  // Somebody may ask them how they stand.
  if (world.Chance(0.08)) return Sequence(world);
  Program program =
      world.Chance(0.35) ? DrawFamilyProgram(world)
      : world.Chance(0.4)
          ? Random(world)
          : all[world.Between(0, static_cast<int64_t>(std::size(all)) - 1)](
                world);
  // A second request to cancel would leave no trace.
  const bool cancels = std::any_of(
      program.steps.begin(), program.steps.end(),
      [](const Step& step) { return step.kind == Step::Kind::kCancel; });
  if (program.flow != "patient" && !cancels && world.Chance(0.1)) {
    return Cancelled(std::move(program), world);
  }
  return program;
}

}  // namespace

int64_t ProgramNumber(const std::string& input_json) {
  json input = json::parse(input_json, nullptr, false);
  return input.is_object() ? input.value("program", int64_t{-1}) : -1;
}

Program MakeProgram(World& world, int64_t number) {
  Program program = Draw(world);
  json input = json::parse(program.input_json);
  if (input.is_object()) {
    input["program"] = number;
    program.input_json = input.dump();
  }
  if (world.Chance(0.2)) {
    program.steps.push_back(
        {world.Between(absl::ZeroDuration(), absl::Seconds(3)),
         Step::Kind::kSignal, kUnreadSignal, "1"});
  }
  if (world.Happens(Fault::kStartTwice)) {
    program.steps.push_back(
        {world.Between(absl::ZeroDuration(), absl::Seconds(5)),
         Step::Kind::kStartOther, "", ""});
  }
  return program;
}

}  // namespace anabranch::sim
