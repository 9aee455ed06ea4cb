// Programs: small flows, what their callers do to them, and how they must end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "sdk/flow_registry.h"
#include "tests/sim/judges.h"
#include "tests/sim/random_program.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// What a caller does to a run.
struct Step {
  // kStartOther: another run, under the id of this one, which is refused.
  enum class Kind { kSignal, kCancel, kTerminate, kStartOther };
  // After the start was answered.
  absl::Duration at;
  Kind kind = Kind::kSignal;
  std::string name;
  std::string json;
  // Only after the step before was answered; `at` is counted from then.
  bool in_turn = false;
};

// The name of signals that no flow reads.
inline constexpr char kUnreadSignal[] = "unread";

struct Program {
  std::string flow;
  std::string input_json;
  std::vector<Step> steps;
  // Of its last generation.
  Judge judge;
  // What the oracle reads; null for flows that were written by hand.
  std::shared_ptr<const NodeBlock> random = nullptr;
  std::optional<absl::Duration> run_timeout = std::nullopt;
};

// All flows that programs are of. Resets what they draw from.
void RegisterFlows(sdk::FlowRegistry& flows);
// The same flows by the same names, but each does something else in runs whose
// programs have one of these numbers.
void RegisterBadFlows(sdk::FlowRegistry& flows);
void BreakPrograms(std::set<int64_t> numbers);
// The number of the program that this input is of.
int64_t ProgramNumber(const std::string& input_json);

// A program drawn at random. Its input carries its number.
Program MakeProgram(World& world, int64_t number);

}  // namespace anabranch::sim
