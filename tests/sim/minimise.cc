#include "tests/sim/minimise.h"

#include <utility>

#include "tests/sim/config.h"
#include "tests/sim/faults.h"

namespace anabranch::sim {
namespace {

class Minimiser {
 public:
  Minimiser(const SimulationOptions& failing,
            const std::function<std::string(const SimulationOptions&)>& run,
            int simulations_max)
      : run_(run), simulations_max_(simulations_max) {
    best_.options = failing;
    best_.options.print = false;
    Try(best_.options);
  }

  Minimised Run() {
    // A round may make another one worth while: what a fault hid before.
    for (bool better = true; better && !Over();) {
      better = DropFaults();
      better |= DropRuns();
      better |= ShortenFaults();
    }
    return best_;
  }

 private:
  bool Over() const { return best_.simulations >= simulations_max_; }

  bool Try(const SimulationOptions& options) {
    if (Over()) return false;
    ++best_.simulations;
    std::string failure = run_(options);
    if (failure.empty()) return false;
    best_.options = options;
    best_.failure = std::move(failure);
    return true;
  }

  bool DropFaults() {
    bool better = false;
    for (int i = 0; i < kFaultCount; ++i) {
      SimulationOptions options = best_.options;
      if (options.without.emplace(FaultName(static_cast<Fault>(i))).second) {
        better |= Try(options);
      }
    }
    return better;
  }

  bool DropRuns() {
    bool better = false;
    SimulationOptions all = best_.options;
    if (all.runs.empty()) {
      for (int64_t i = 0; i < kRunsMax; ++i) all.runs.insert(i);
    }
    for (int64_t run : std::set<int64_t>(all.runs)) {
      SimulationOptions options =
          best_.options.runs.empty() ? all : best_.options;
      options.runs.erase(run);
      if (!options.runs.empty()) better |= Try(options);
    }
    return better;
  }

  bool ShortenFaults() {
    bool better = false;
    SimulationOptions options = best_.options;
    options.fault_time /= 2;
    while (options.fault_time > absl::Milliseconds(100) && Try(options)) {
      better = true;
      options.fault_time /= 2;
    }
    return better;
  }

  const std::function<std::string(const SimulationOptions&)>& run_;
  const int simulations_max_;
  Minimised best_;
};

}  // namespace

Minimised Minimise(
    const SimulationOptions& failing,
    const std::function<std::string(const SimulationOptions&)>& run,
    int simulations_max) {
  return Minimiser(failing, run, simulations_max).Run();
}

}  // namespace anabranch::sim
