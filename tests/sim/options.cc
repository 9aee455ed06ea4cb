#include "tests/sim/options.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/limits.h"

namespace anabranch::sim {
namespace {

bool Set(SimulationOptions& options, const std::string& flag,
         const std::string& value) {
  if (flag == "--from") return absl::SimpleAtoi(value, &options.seed);
  if (flag == "--cache" && value == "0") {
    options.live_flows_max = 0;
    return true;
  }
  if (flag == "--cache" && value == "default") {
    options.live_flows_max = limits::kLiveFlowsDefault;
    return true;
  }
  if (flag == "--without") {
    options.without = absl::StrSplit(value, ',');
    return true;
  }
  if (flag == "--runs") {
    for (const auto& part : absl::StrSplit(value, ',')) {
      int64_t number = 0;
      if (!absl::SimpleAtoi(part, &number)) return false;
      options.runs.insert(number);
    }
    return true;
  }
  int64_t ms = 0;
  if (flag != "--fault-ms" || !absl::SimpleAtoi(value, &ms)) return false;
  options.fault_time = absl::Milliseconds(ms);
  return true;
}

}  // namespace

std::string ToFlags(const SimulationOptions& options) {
  std::string flags = absl::StrCat("--from ", options.seed);
  if (options.live_flows_max.has_value()) {
    absl::StrAppend(&flags, " --cache ",
                    *options.live_flows_max == 0 ? "0" : "default");
  }
  if (!options.without.empty()) {
    absl::StrAppend(&flags, " --without ", absl::StrJoin(options.without, ","));
  }
  if (!options.runs.empty()) {
    absl::StrAppend(&flags, " --runs ", absl::StrJoin(options.runs, ","));
  }
  if (options.fault_time != SimulationOptions().fault_time) {
    absl::StrAppend(&flags, " --fault-ms ",
                    absl::ToInt64Milliseconds(options.fault_time));
  }
  return flags;
}

absl::StatusOr<SimulationOptions> FromFlags(std::string_view flags) {
  SimulationOptions options;
  std::vector<std::string> words = absl::StrSplit(
      absl::string_view(flags.data(), flags.size()), ' ', absl::SkipEmpty());
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::string value = i + 1 < words.size() ? words[i + 1] : "";
    if (!Set(options, words[i], value)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "not a flag of the simulation, or not its value: ", words[i], " ",
          value));
    }
  }
  return options;
}

}  // namespace anabranch::sim
