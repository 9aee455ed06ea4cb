// sim: runs seeds of the simulation and says which failed, and how to see it
// again.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/limits.h"
#include "tests/sim/simulation.h"

namespace anabranch::sim {
namespace {

struct Flags {
  uint64_t seeds = 50;
  uint64_t from = 1;
  std::string cache;
  bool json = false;
  bool print = false;
};

struct Sums {
  uint64_t failed = 0;
  std::optional<uint64_t> first_failed;
  std::string first_failure;
  int64_t runs = 0;
  int64_t executions = 0;
  int64_t events = 0;
  double virtual_seconds = 0;
  std::map<std::string, int64_t> counts;
};

// The same seed must give the same trace.
SimulationResult RunSeed(const Flags& flags, uint64_t seed) {
  SimulationOptions options;
  options.seed = seed;
  if (flags.cache == "0") options.live_flows_max = 0;
  if (flags.cache == "default") {
    options.live_flows_max = limits::kLiveFlowsDefault;
  }
  options.print = flags.print;
  SimulationResult result = Simulate(options);
  if (!result.failure.empty() || seed % 10 != 0) return result;
  if (Simulate(options).trace_hash != result.trace_hash) {
    result.failure = "the same seed gave two traces";
  }
  return result;
}

void Add(const Flags& flags, uint64_t seed, const SimulationResult& result,
         Sums& sums) {
  sums.runs += result.runs;
  sums.executions += result.executions;
  sums.events += result.events;
  sums.virtual_seconds += result.seconds;
  for (const auto& [name, count] : result.counts) sums.counts[name] += count;
  if (flags.print) {
    std::fprintf(stderr, "seed %" PRIu64 ": trace %016" PRIx64 "\n", seed,
                 result.trace_hash);
  }
  if (result.failure.empty()) return;
  ++sums.failed;
  if (!sums.first_failed.has_value()) {
    sums.first_failed = seed;
    sums.first_failure = result.failure;
  }
  std::fprintf(stderr, "seed %" PRIu64 " FAILED %s\n", seed,
               result.failure.c_str());
  std::fprintf(stderr, "  ./dev sim --seeds 1 --from %" PRIu64 "%s\n", seed,
               flags.cache.empty() ? "" : (" --cache " + flags.cache).c_str());
}

void Report(const Flags& flags, const Sums& sums, double seconds) {
  std::string line = std::to_string(flags.seeds) + " seeds, " +
                     std::to_string(sums.failed) + " failed";
  if (flags.json) {
    nlohmann::json out = {
        {"seeds", flags.seeds},
        {"from", flags.from},
        {"failed", sums.failed},
        {"seconds", seconds},
        {"seeds_per_second", static_cast<double>(flags.seeds) / seconds},
        {"virtual_seconds", sums.virtual_seconds},
        {"runs", sums.runs},
        {"events", sums.events},
        {"executions", sums.executions},
        {"counts", sums.counts}};
    if (sums.first_failed.has_value()) {
      out["first_failed"] = *sums.first_failed;
      out["first_failure"] = sums.first_failure;
    }
    std::printf("%s\n", out.dump().c_str());
    return;
  }
  std::printf("%s; %.1f seeds per second, %lld runs, %lld executions\n",
              line.c_str(), static_cast<double>(flags.seeds) / seconds,
              static_cast<long long>(sums.runs),
              static_cast<long long>(sums.executions));
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Deterministic simulation of orchestrator and workers");
  app.add_option("--seeds", flags.seeds, "How many seeds")
      ->check(CLI::PositiveNumber);
  app.add_option("--from", flags.from, "The first seed");
  app.add_option("--cache", flags.cache,
                 "Live flows: 0 or default (otherwise seeds take turns)")
      ->check(CLI::IsMember({"0", "default"}));
  app.add_flag("--json", flags.json, "One line of JSON at the end");
  app.add_flag("--trace", flags.print, "Print what happens to stderr");
  CLI11_PARSE(app, argc, argv);
  Sums sums;
  auto begin = std::chrono::steady_clock::now();
  for (uint64_t seed = flags.from; seed < flags.from + flags.seeds; ++seed) {
    Add(flags, seed, RunSeed(flags, seed), sums);
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  Report(flags, sums, took.count());
  return sums.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace anabranch::sim

int main(int argc, char** argv) { return anabranch::sim::Main(argc, argv); }
