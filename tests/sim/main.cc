// sim: runs seeds of the simulation and says which failed, and how to see it
// again.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/minimise.h"
#include "tests/sim/simulation.h"

namespace anabranch::sim {
namespace {

struct Flags {
  uint64_t seeds = 50;
  uint64_t from = 1;
  int jobs = 1;
  bool json = false;
  bool print = false;
  bool minimise = true;
  std::string cache;
  std::string without;
  std::string runs;
  int64_t fault_ms = 0;
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

// The seed that this thread is at: a check of the engine that ends the process
// says which it was.
thread_local uint64_t current_seed = 0;

void OnAbort(int) {
  char line[96];
  int size = std::snprintf(line, sizeof(line),
                           "seed %" PRIu64
                           " FAILED: the engine gave up\n"
                           "  ./dev sim --seeds 1 --from %" PRIu64 "\n",
                           current_seed, current_seed);
  if (write(STDERR_FILENO, line, static_cast<size_t>(size)) < 0) _exit(3);
  std::signal(SIGABRT, SIG_DFL);
}

SimulationOptions OptionsOf(const Flags& flags, uint64_t seed) {
  std::string text = "--from " + std::to_string(seed);
  if (!flags.cache.empty()) text += " --cache " + flags.cache;
  if (!flags.without.empty()) text += " --without " + flags.without;
  if (!flags.runs.empty()) text += " --runs " + flags.runs;
  if (flags.fault_ms > 0) {
    text += " --fault-ms " + std::to_string(flags.fault_ms);
  }
  auto options = FromFlags(text);
  if (!options.ok()) {
    std::fprintf(stderr, "%s\n",
                 std::string(options.status().message()).c_str());
    std::exit(2);
  }
  options->print = flags.print;
  return *std::move(options);
}

// The same seed must give the same trace.
SimulationResult RunSeed(const SimulationOptions& options) {
  current_seed = options.seed;
  SimulationResult result = Simulate(options);
  if (!result.failure.empty() || options.seed % 10 != 0) return result;
  if (Simulate(options).trace_hash != result.trace_hash) {
    result.failure = "the same seed gave two traces";
  }
  return result;
}

// Takes in results from any thread, and tells of failures at once.
class Collector {
 public:
  explicit Collector(const Flags& flags) : flags_(flags) {}

  void Add(const SimulationOptions& options, const SimulationResult& result) {
    std::lock_guard lock(mutex_);
    sums_.runs += result.runs;
    sums_.executions += result.executions;
    sums_.events += result.events;
    sums_.virtual_seconds += result.seconds;
    for (const auto& [name, count] : result.counts) sums_.counts[name] += count;
    if (flags_.print) {
      std::fprintf(stderr, "seed %" PRIu64 ": trace %016" PRIx64 "\n",
                   options.seed, result.trace_hash);
    }
    if (result.failure.empty()) return;
    ++sums_.failed;
    if (!sums_.first_failed.has_value() || options.seed < *sums_.first_failed) {
      sums_.first_failed = options.seed;
      sums_.first_failure = result.failure;
    }
    std::fprintf(
        stderr, "seed %" PRIu64 " FAILED %s\n  ./dev sim --seeds 1 %s\n",
        options.seed, result.failure.c_str(), ToFlags(options).c_str());
  }

  const Sums& sums() const { return sums_; }

 private:
  const Flags& flags_;
  std::mutex mutex_;
  Sums sums_;
};

void RunAll(const Flags& flags, Collector& collector) {
  std::atomic<uint64_t> next = flags.from;
  auto work = [&] {
    for (uint64_t seed = next++; seed < flags.from + flags.seeds;
         seed = next++) {
      SimulationOptions options = OptionsOf(flags, seed);
      collector.Add(options, RunSeed(options));
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < flags.jobs; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
}

void ShortenFirst(const Flags& flags, const Sums& sums) {
  if (!flags.minimise || flags.print || !sums.first_failed.has_value()) return;
  Minimised least = Minimise(OptionsOf(flags, *sums.first_failed),
                             [](const SimulationOptions& options) {
                               return RunSeed(options).failure;
                             });
  std::fprintf(stderr,
               "shortest way to a failure of seed %" PRIu64
               " found in %d simulations: %s\n  ./dev sim --seeds 1 %s "
               "--trace\n",
               least.options.seed, least.simulations, least.failure.c_str(),
               ToFlags(least.options).c_str());
}

void Report(const Flags& flags, const Sums& sums, double seconds) {
  if (!flags.json) {
    std::printf(
        "%" PRIu64 " seeds, %" PRIu64 " failed; %.1f seeds per second, %" PRId64
        " runs, %" PRId64 " executions\n",
        flags.seeds, sums.failed, static_cast<double>(flags.seeds) / seconds,
        sums.runs, sums.executions);
    return;
  }
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
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Deterministic simulation of orchestrator and workers");
  app.add_option("--seeds", flags.seeds, "How many seeds")
      ->check(CLI::PositiveNumber);
  app.add_option("--from", flags.from, "The first seed");
  app.add_option("--jobs", flags.jobs, "Worlds at once, each in its thread")
      ->check(CLI::Range(1, 256));
  app.add_option("--cache", flags.cache,
                 "Live flows: 0 or default (otherwise seeds take turns)")
      ->check(CLI::IsMember({"0", "default"}));
  app.add_option("--without", flags.without,
                 "Kinds of faults that do not happen, with commas");
  app.add_option("--runs", flags.runs, "Only these runs, with commas");
  app.add_option("--fault-ms", flags.fault_ms,
                 "For how long there are faults, in virtual milliseconds");
  app.add_flag("--json", flags.json, "One line of JSON at the end");
  app.add_flag("--trace", flags.print, "Print what happens to stderr");
  app.add_flag("!--no-minimise", flags.minimise,
               "Do not shorten the first failure");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGABRT, OnAbort);
  Collector collector(flags);
  auto begin = std::chrono::steady_clock::now();
  RunAll(flags, collector);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  ShortenFirst(flags, collector.sums());
  Report(flags, collector.sums(), took.count());
  return collector.sums().failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace anabranch::sim

int main(int argc, char** argv) { return anabranch::sim::Main(argc, argv); }
