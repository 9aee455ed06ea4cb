#include "tests/sim/option_programs.h"

#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {
namespace {

using nlohmann::json;

// How an activity may end beside being given up.
using EndNames = std::set<std::string>;

struct Act {
  json wish;
  EndNames ends;
};

// Fails a few times, and parks after each: somebody has to release it.
Act Parking(World& world) {
  json wish = {{"do", "flaky"},
               {"fails", world.Between(1, 2)},
               {"ms", world.Between(1, 1500)},
               {"attempts", 1},
               {"park", true}};
  return {wish, {"value"}};
}

// Its first attempts take too long for one of its timeouts.
Act Slow(World& world) {
  json wish = {{"do", "slow"},
               {"fails", world.Between(1, 2)},
               {"ms", world.Between(1, 100)},
               {"stop_ms", world.Chance(0.3) ? 3 : world.Between(100, 4000)}};
  wish[world.Chance(0.5) ? "close_ms" : "silent_ms"] = world.Between(300, 900);
  // Those that answer in time still beat.
  wish["beat_ms"] = 100;
  if (world.Chance(0.7)) {
    wish["park"] = true;
    wish["attempts"] = 1;
  }
  return {wish, {"value"}};
}

// Takes its workers down with it, more often than is tried again at once.
Act Deadly(World& world) {
  json wish = {{"do", "deadly"},
               {"fails", world.Between(1, 4)},
               {"ms", world.Between(1, 500)}};
  return {wish, {"value"}};
}

// One attempt, and it is too slow.
Act Hopeless(World& world) {
  json wish = {{"do", "slow"},
               {"fails", 1},
               {"ms", 1},
               {"attempts", 1},
               {"silent_ms", world.Between(300, 900)}};
  return {wish, {"timeout", "worker_lost", "value"}};
}

// Nobody takes it.
Act Starved(World& world) {
  json wish = {{"queue", kDesertedQueue},
               {"start_ms", world.Between(500, 5000)}};
  return {wish, {"timeout"}};
}

// All attempts together may take too long.
Act Limited(World& world) {
  json wish = {{"ms", world.Between(200, 3000)},
               {"total_ms", world.Between(300, 4000)},
               {"start_ms", world.Between(300, 4000)},
               {"stop_ms", world.Chance(0.5) ? 3 : world.Between(100, 3000)}};
  if (world.Chance(0.5)) {
    wish["do"] = "flaky";
    wish["fails"] = world.Between(1, 4);
  }
  return {wish, {"value", "timeout", "flaky", "worker_lost"}};
}

// Long, and slow to stop once it is told to: its time is up before it has.
Act Clinging(World& world, int64_t give_up_ms) {
  json wish = {{"do", "ok"},
               {"ms", give_up_ms + 6000},
               {"stop_ms", 6000},
               {"attempts", 3}};
  const int64_t limit_ms = give_up_ms + world.Between(100, 3000);
  if (world.Chance(0.5)) {
    wish["close_ms"] = limit_ms;
  } else {
    wish["close_ms"] = 30'000;
    wish["total_ms"] = limit_ms;
  }
  return {wish, {"timeout", "worker_lost"}};
}

// Long, and slow to stop once it is told to.
Act Stubborn(World& world) {
  json wish = {{"do", "ok"},
               {"ms", world.Between(500, 5000)},
               {"stop_ms", world.Between(3, 6000)},
               {"beat_ms", world.Between(100, 900)},
               {"close_ms", world.Between(1000, 8000)},
               {"attempts", 5}};
  if (world.Chance(0.4)) wish["total_ms"] = world.Between(2000, 8000);
  if (world.Chance(0.3)) {
    wish["do"] = "always";
    wish["ms"] = world.Between(200, 2000);
  }
  return {wish, {"value", "timeout", "always", "worker_lost"}};
}

// Tells how far it is, fails, and goes on where it was.
Act Beating(World& world) {
  json wish = {{"do", "flaky"},
               {"fails", world.Between(1, 3)},
               {"ms", world.Between(300, 4000)},
               {"beat_ms", world.Between(50, 500)},
               {"silent_ms", world.Between(2000, 6000)}};
  return {wish, {"value"}};
}

Act DrawAct(World& world, int64_t give_up_ms) {
  Act (*const all[])(World&) = {Parking, Slow,    Slow,   Slow,     Hopeless,
                                Starved, Limited, Deadly, Stubborn, Beating};
  Act act =
      give_up_ms > 0 && world.Chance(0.3)
          ? Clinging(world, give_up_ms)
          : all[world.Between(0, static_cast<int64_t>(std::size(all)) - 1)](
                world);
  act.wish["value"] = world.Between(0, 9);
  static constexpr const char* kCancels[] = {"try", "wait", "wait", "abandon"};
  act.wish["cancel"] = kCancels[world.Between(0, 3)];
  if (!act.wish.contains("queue") && world.Chance(0.2)) {
    act.wish["queue"] = kQueues[world.Between(0, 1)];
    act.wish["key"] = "a";
  }
  return act;
}

std::function<std::string(const v1::Run&, const std::string&)> JudgeOf(
    std::vector<EndNames> ends, bool gives_up) {
  return [ends = std::move(ends), gives_up](const v1::Run& run,
                                            const std::string& result) {
    json told = json::parse(result, nullptr, false);
    if (run.state() != v1::RUN_STATE_COMPLETED || !told.is_object() ||
        told["ended"].size() != ends.size()) {
      return absl::StrCat("it ended ", v1::RunState_Name(run.state()), " ",
                          result, " ", run.failure().ShortDebugString());
    }
    for (size_t i = 0; i < ends.size(); ++i) {
      const std::string end = told["ended"][i];
      if (ends[i].contains(end) || (gives_up && end == "cancelled")) continue;
      // A cancelled one is closed with what became of it.
      if (gives_up && (end == "flaky" || end == "timeout")) continue;
      if (gives_up && (end == "worker_lost" || end == "value")) continue;
      return absl::StrCat("its activity ", i, " ended ", end);
    }
    return std::string();
  };
}

}  // namespace

Program CrowdProgram(World& world) {
  json input = {{"acts", json::array()}, {"give_up_ms", 0}};
  std::vector<EndNames> ends;
  const char* queue = kQueues[world.Between(0, 1)];
  for (int64_t i = world.Between(4, 16); i > 0; --i) {
    json wish = {{"do", "ok"},
                 {"ms", world.Between(10, 800)},
                 {"queue", queue},
                 {"priority", world.Between(1, 5)}};
    if (world.Chance(0.8)) wish["key"] = world.Chance(0.5) ? "a" : "b";
    input["acts"].push_back(std::move(wish));
    ends.push_back({"value"});
  }
  return {"acts", input.dump(), {}, JudgeOf(std::move(ends), false)};
}

Program ActsProgram(World& world) {
  json input = {{"acts", json::array()}, {"give_up_ms", 0}};
  std::vector<EndNames> ends;
  const bool gives_up = world.Chance(0.5);
  if (gives_up) input["give_up_ms"] = world.Between(100, 6000);
  for (int64_t i = world.Between(1, 6); i > 0; --i) {
    Act act = DrawAct(world, input["give_up_ms"]);
    input["acts"].push_back(std::move(act.wish));
    ends.push_back(std::move(act.ends));
  }
  return {"acts", input.dump(), {}, JudgeOf(std::move(ends), gives_up)};
}

Program SharedProgram(World& world) {
  const int64_t waiters = world.Between(2, 6);
  json expected = {{"order", json::array()}};
  for (int64_t i = 0; i < waiters; ++i) expected["order"].push_back(i);
  auto judge = [expected](const v1::Run& run, const std::string& result) {
    if (run.state() == v1::RUN_STATE_COMPLETED &&
        json::parse(result, nullptr, false) == expected) {
      return std::string();
    }
    return absl::StrCat("it ended ", v1::RunState_Name(run.state()), " ",
                        result, ", not ", expected.dump());
  };
  return {"shared", json{{"waiters", waiters}}.dump(), {}, judge};
}

}  // namespace anabranch::sim
