#include "tests/sim/family_programs.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/sim/judges.h"

namespace anabranch::sim {
namespace {

using nlohmann::json;

constexpr int kDepthMax = 2;

// No two are alike in one seed, or it does not matter.
int64_t DrawNumber(World& world) { return world.Between(1000, 1'000'000'000); }

// Signals 1, 2, … to whoever receives "add", one after the other or all at
// once.
void AddSignals(World& world, int64_t count, Program& program) {
  const bool in_turn = world.Chance(0.6);
  for (int64_t i = 1; i <= count; ++i) {
    const absl::Duration at =
        in_turn ? world.Between(absl::ZeroDuration(), absl::Milliseconds(700))
                : world.Between(absl::ZeroDuration(), absl::Seconds(6));
    program.steps.push_back(
        {at, Step::Kind::kSignal, "add", std::to_string(i), in_turn && i > 1});
  }
}

// Received each of the signals 1 to `count` once: in order, where they were
// sent one after the other and no copy of the store had it otherwise.
Judge Receives(const World& world, const Program& program, int64_t count) {
  const bool in_turn =
      std::any_of(program.steps.begin(), program.steps.end(),
                  [](const Step& step) { return step.in_turn; });
  return
      [&world, in_turn, count](const v1::Run& run, const std::string& result) {
        json told = json::parse(result, nullptr, false);
        if (run.state() != v1::RUN_STATE_COMPLETED || !told.is_object()) {
          return Told(run, result);
        }
        json got = told.value("got", json::array());
        if (!in_turn || world.restores > 0) std::sort(got.begin(), got.end());
        json right = json::array();
        for (int64_t i = 1; i <= count; ++i) right.push_back(i);
        return got == right
                   ? std::string()
                   : absl::StrCat(Told(run, result), ", not each signal once");
      };
}

Program Rounds(World& world) {
  const int64_t count = world.Between(1, 12);
  json input = {{"count", count}, {"per", world.Between(1, 3)}};
  if (world.Chance(0.4)) input["late"] = world.Between(100, 4000);
  const bool deaf = world.Chance(0.25);
  if (deaf) input["deaf"] = true;
  Program program;
  program.flow = "rounds";
  program.input_json = input.dump();
  AddSignals(world, count, program);
  program.judge = Receives(world, program, count);
  if (deaf) {
    program.steps.push_back(
        {world.Between(absl::ZeroDuration(), absl::Seconds(4)),
         Step::Kind::kCancel, "", ""});
  }
  if (world.Chance(0.15)) {
    program.run_timeout = world.Between(absl::Seconds(1), absl::Seconds(9));
    program.judge = Either(program.judge, Ends(v1::RUN_STATE_TIMED_OUT));
  }
  return program;
}

Program Spins(World& world) {
  const int64_t count = world.Between(0, 3);
  const int64_t left = world.Between(1, 40);
  Program program;
  program.flow = "spins";
  program.input_json = json::object({{"left", left}}).dump();
  if (count > 0) {
    program.input_json = json{{"left", left}, {"count", count}}.dump();
  }
  AddSignals(world, count, program);
  program.judge = [left, receives = Receives(world, program, count)](
                      const v1::Run& run, const std::string& result) {
    std::string wrong = Completes(left)(run, result);
    return wrong.empty() ? receives(run, result) : wrong;
  };
  return program;
}

// Steps some of which fail until an operator has mended them.
struct StagesInput {
  json input;
  // What it comes to once nothing fails any more.
  int64_t value = 1;
  int64_t failures = 0;
};

StagesInput DrawStages(World& world) {
  StagesInput stages;
  const int64_t number = DrawNumber(world);
  stages.input = {{"steps", json::array()}, {"beside", json::array()}};
  auto draw = [&](int64_t value, bool fails) {
    json work = DrawWork(world, value);
    if (fails && world.Chance(0.4)) {
      work["do"] = "mends";
      work["fails"] = world.Between(1, 2);
      work["key"] = absl::StrCat(number, "-", stages.failures);
      stages.failures += work.value("fails", 0);
    }
    return work;
  };
  for (int64_t i = world.Between(1, 4); i > 0; --i) {
    stages.input["steps"].push_back(draw(0, true));
    stages.value = stages.value * 2 + 1;
  }
  for (int64_t i = world.Between(0, 2); i > 0; --i) {
    stages.input["beside"].push_back(draw(i, false));
    stages.value += 2 * i + 1;
  }
  return stages;
}

Program Stages(World& world) {
  StagesInput stages = DrawStages(world);
  // Whatever else ends it in between.
  stages.input["retries"] = stages.failures + 3;
  Program program;
  program.flow = "stages";
  program.input_json = stages.input.dump();
  if (world.Chance(0.3)) {
    program.steps.push_back(
        {world.Between(absl::ZeroDuration(), absl::Seconds(4)),
         Step::Kind::kTerminate, "", ""});
  }
  if (world.Chance(0.3)) {
    program.run_timeout =
        world.Between(absl::Milliseconds(100), absl::Seconds(5));
  }
  program.judge = Completes(stages.value);
  return program;
}

json DrawStubborn(World& world, const std::vector<std::string>& reasons) {
  return {{"after", reasons[static_cast<size_t>(world.Between(
                        0, static_cast<int64_t>(reasons.size()) - 1))]},
          {"ms", world.Between(1, 3000)},
          {"wait", world.Between(0, 800)},
          {"retries", world.Between(0, 3)}};
}

Program Stubborn(World& world) {
  json input = DrawStubborn(
      world, {"nothing", "timer", "work", "signal", "signal", "child"});
  Program program;
  program.flow = "stubborn";
  program.input_json = input.dump();
  if (input["after"] == "signal") AddSignals(world, 2, program);
  if (input["after"] == "signal" && input["retries"] == 0) {
    program.steps.resize(1);
  }
  program.judge = Fails({"stubborn"});
  return program;
}

// A child, and what its parent may be told of it.
struct Kid {
  json spec;
  json told = json::array();
};

json Ok(int64_t value) { return json::object({{"value", value}}); }
json Bad(const char* type) { return json::object({{"failed", type}}); }

// A child that comes to `told` and nothing else.
Kid MakeKid(const char* flow, json input, json told) {
  Kid kid;
  kid.spec["flow"] = flow;
  kid.spec["input"] = std::move(input);
  kid.told.push_back(std::move(told));
  return kid;
}

struct Family {
  json kids = json::array();
  std::vector<json> told;
  int64_t sum = 0;
};
Family DrawFamily(World& world, int depth, bool again);

Kid SequenceKid(World& world) {
  json input = json::object();
  int64_t value = 1;
  for (int64_t i = world.Between(1, 3); i > 0; --i) {
    input["steps"].push_back(DrawWork(world, 0));
    value = value * 2 + 1;
  }
  return MakeKid("sequence", std::move(input), Ok(value));
}

// Nothing ends it but its time, or its parent.
Kid WaitingKid(World& world) {
  const bool timed = world.Chance(0.5);
  Kid kid = MakeKid("patient", DrawWork(world, 1),
                    Bad(timed ? "timeout" : "cancelled"));
  if (timed) {
    kid.spec["timeout"] = world.Between(100, 3000);
  } else {
    kid.spec["cancel_after"] = world.Between(0, 3000);
  }
  return kid;
}

Kid FailingKid(World& world) {
  switch (world.Between(0, 3)) {
    case 0:
      return MakeKid("once", {{"do", "bad"}, {"attempts", 50}}, Bad("bad"));
    case 1:
      return MakeKid("nowhere", json::object(), Bad("FLOW_NOT_FOUND"));
    case 2:
      return MakeKid("stubborn",
                     DrawStubborn(world, {"nothing", "timer", "work", "child"}),
                     Bad("stubborn"));
    default: {
      StagesInput stages = DrawStages(world);
      stages.input["retries"] = stages.failures + 3;
      // A child that is retried goes on alone. A worker that died with the
      // first failure has mended it, too.
      Kid kid = MakeKid("stages", stages.input, Ok(stages.value));
      if (stages.failures > 0) kid.told.push_back(Bad("mends"));
      return kid;
    }
  }
}

Kid ParentKid(World& world, int depth, bool again) {
  Family family = DrawFamily(world, depth + 1, again);
  json input = json::object();
  input["kids"] = family.kids;
  Kid kid = MakeKid("parent", std::move(input), Ok(family.sum));
  // The sum is sure only where each child comes to one thing.
  if (std::any_of(family.told.begin(), family.told.end(),
                  [](const json& told) { return told.size() != 1; })) {
    kid.told = json::array();
  }
  return kid;
}

Kid DrawKid(World& world, int depth, bool again) {
  switch (world.Between(0, depth < kDepthMax ? 6 : 5)) {
    case 0:
    case 1:
      return WaitingKid(world);
    case 2:
    case 3:
      return FailingKid(world);
    case 4: {
      const int64_t left = world.Between(1, 20);
      json input = json::object();
      input["left"] = left;
      return MakeKid("spins", std::move(input), Ok(left));
    }
    case 6:
      return ParentKid(world, depth, again);
    default:
      return SequenceKid(world);
  }
}

const char* DrawPolicy(World& world, const Kid& kid) {
  // Nobody would ever end it.
  const bool lonely =
      kid.spec["flow"] == "patient" && !kid.spec.contains("timeout");
  switch (world.Between(lonely ? 1 : 0, 2)) {
    case 0:
      return "abandon";
    case 1:
      return "request_cancel";
    default:
      return "terminate";
  }
}

Family DrawFamily(World& world, int depth, bool again) {
  Family family;
  auto add = [&](Kid kid) {
    kid.spec["policy"] = DrawPolicy(world, kid);
    // Children of later generations are others, of the same program: it has no
    // number, so that the bad build does not break it where it begins.
    if (!again) kid.spec["input"]["program"] = DrawNumber(world);
    if (kid.told.size() == 1) {
      family.sum += kid.told[0].value("value", int64_t{0});
    }
    family.kids.push_back(kid.spec);
    family.told.push_back(kid.told);
  };
  for (int64_t n = world.Between(1, depth == 0 ? 4 : 2); n > 0; --n) {
    add(DrawKid(world, depth, again));
  }
  if (again || depth > 0 || world.Chance(0.7)) return family;
  // Two of one id: one of them is refused.
  Kid kid = SequenceKid(world);
  kid.spec["id"] = absl::StrCat("kid-", DrawNumber(world));
  kid.told.push_back(Bad("RUN_ALREADY_EXISTS"));
  add(kid);
  add(kid);
  return family;
}

// Whether each child came to what it must, in their order.
Judge TellsOf(const World& world, std::vector<json> right, int64_t again) {
  return [&world, right = std::move(right), again](const v1::Run& run,
                                                   const std::string& result) {
    json told = json::parse(result, nullptr, false);
    if (run.state() != v1::RUN_STATE_COMPLETED || !told.is_object() ||
        told["kids"].size() != right.size()) {
      return Told(run, result);
    }
    for (size_t i = 0; i < right.size(); ++i) {
      const json& one = told["kids"][i];
      const bool unsure = right[i].empty();
      const bool good =
          std::find(right[i].begin(), right[i].end(), one) != right[i].end();
      // Children of the generation before have the ids.
      const bool late =
          run.generation() > again + 1 && one == Bad("RUN_ALREADY_EXISTS");
      // A worker was told to stop in a time that never was.
      const bool excused = world.restores > 0 && one == Bad("cancelled");
      if (unsure || good || late || excused) continue;
      return absl::StrCat(Told(run, result), ", of child ", i, " not ",
                          right[i].dump());
    }
    return std::string();
  };
}

Program Parent(World& world) {
  const double end = world.random.NextUnit();
  const int64_t again = end < 0.15 ? world.Between(1, 2) : 0;
  Family family = DrawFamily(world, 0, again > 0);
  json input = {{"kids", family.kids},
                {"wait", world.Chance(0.3) ? 0 : world.Between(0, 3000)},
                {"retries", world.Between(0, 1)}};
  Program program;
  program.flow = "parent";
  std::vector<json> told;
  for (int64_t i = 0; i <= again; ++i) {
    told.insert(told.end(), family.told.begin(), family.told.end());
  }
  program.judge = TellsOf(world, std::move(told), again);
  if (again > 0) {
    input["again"] = again;
  } else if (end < 0.35) {
    input["end"] = "leave";
    program.judge = Completes(0);
  } else if (end < 0.5) {
    input["end"] = "fail";
    program.judge = Fails({"left"});
  }
  if (world.Chance(0.2)) {
    program.steps.push_back(
        {world.Between(absl::ZeroDuration(), absl::Seconds(4)),
         Step::Kind::kTerminate, "", ""});
    program.judge = Either(program.judge, Ends(v1::RUN_STATE_TERMINATED));
  }
  program.input_json = input.dump();
  return program;
}

// Waits for what does not come until its time is up.
Program Timed(World& world) {
  Program program;
  program.flow = "patient";
  program.input_json = DrawWork(world, 1).dump();
  program.run_timeout = world.Between(absl::Milliseconds(1), absl::Seconds(8));
  program.judge = Ends(v1::RUN_STATE_TIMED_OUT);
  return program;
}

}  // namespace

int64_t RetriesOf(const std::string& input_json) {
  json input = json::parse(input_json, nullptr, false);
  return input.is_object() ? input.value("retries", int64_t{0}) : 0;
}

Program DrawFamilyProgram(World& world) {
  const double u = world.random.NextUnit();
  if (u < 0.05) return Timed(world);
  Program program = u < 0.25   ? Rounds(world)
                    : u < 0.35 ? Spins(world)
                    : u < 0.55 ? Stages(world)
                    : u < 0.65 ? Stubborn(world)
                               : Parent(world);
  return program;
}

}  // namespace anabranch::sim
