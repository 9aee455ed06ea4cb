// How the server behaves at the moment: pace, script and faults. Settable
// while it runs.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "fake_claude/rules.h"

namespace anabranch::fake_claude {

// How fast replies come.
struct Pace {
  int64_t ttft_ms = 0;           // time to the first content
  double tokens_per_second = 0;  // 0: as fast as possible
};

// What is to happen to one call.
struct Decision {
  Pace pace;
  Json answer;  // null: made up from the request
  std::optional<Fault> fault;
};

// Threads: any.
class Behaviour {
 public:
  explicit Behaviour(Pace pace) : pace_(pace) {}

  void AddFault(Rule rule);
  void SetScript(Script script);

  // The first fault and the first answer that apply. Counts the call.
  Decision Decide(const CallView& call);

  // Members: ttft_ms, tokens_per_second, faults (replaces them), add_faults,
  // answers (replaces the script). All or, on an error, none are taken.
  absl::Status Control(const Json& settings);
  // The present settings.
  Json Settings() const;

 private:
  mutable std::mutex mutex_;
  Pace pace_;
  std::vector<Rule> answers_;
  std::vector<Rule> faults_;
};

}  // namespace anabranch::fake_claude
