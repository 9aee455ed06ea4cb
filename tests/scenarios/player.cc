#include "tests/scenarios/player.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/error_details.h"
#include "base/limits.h"

namespace anabranch::scenarios {

Player::Player(size_t live_flows_max)
    : harness_(live_flows_max), renderer_(harness_.clock.Now()) {
  program::RegisterInterpreter(harness_.flows, environment_);
}

absl::StatusOr<std::vector<std::string>> Player::Play(const Command& command) {
  using Verb = absl::Status (Player::*)(const Command&);
  static const std::map<std::string, Verb, std::less<>> verbs = {
      {"accept", &Player::Accept},
      {"advance", &Player::Advance},
      {"batch", &Player::Batch},
      {"cancel", &Player::Ask<shard::CancelRun>},
      {"complete", &Player::Complete},
      {"delete", &Player::Delete},
      {"disconnect", &Player::Disconnect},
      {"fail", &Player::Fail},
      {"flow", &Player::Flow},
      {"heartbeat", &Player::Heartbeat},
      {"history", &Player::History},
      {"pause", &Player::Ask<shard::PauseRun>},
      {"query", &Player::Query},
      {"queue", &Player::Queue},
      {"reconnect", &Player::Reconnect},
      {"restart", &Player::Restart},
      {"resume", &Player::Ask<shard::ResumeRun>},
      {"retry", &Player::Retry},
      {"show", &Player::Show},
      {"signal", &Player::Signal},
      {"silent", &Player::Silent},
      {"start", &Player::Start},
      {"terminate", &Player::Ask<shard::TerminateRun>},
      {"worker", &Player::Connect},
      {"workers", &Player::Workers},
  };
  auto verb = verbs.find(command.words.plain.front());
  if (verb == verbs.end()) {
    return absl::InvalidArgumentError(
        "unknown verb; tests/scenarios/player.h lists them");
  }
  absl::Status status = (this->*verb->second)(command);
  if (!status.ok()) return status;
  return std::exchange(outputs_, {});
}

absl::Status Player::Advance(const Command& command) {
  absl::Duration left;
  if (command.words.plain.size() != 2 ||
      !absl::ParseDuration(command.words.plain[1], &left)) {
    return absl::InvalidArgumentError("needs a duration such as 10s");
  }
  advancing_ = true;
  while (left > absl::ZeroDuration()) {
    // No longer than between two beats: a longer gap is a gap in time.
    absl::Duration step = std::min(left, limits::kBeatInterval);
    left -= step;
    harness_.clock.Advance(step);
    std::vector<shard::Input> beats;
    for (const auto& [name, worker] : workers_) {
      if (!worker.connected || worker.silent) continue;
      beats.emplace_back(shard::WorkerFrame{worker.stream, {}});
    }
    Round(std::move(beats));
  }
  advancing_ = false;
  return absl::OkStatus();
}

absl::Status Player::Restart(const Command& command) {
  absl::Duration down;
  const auto& options = command.words.options;
  if (auto after = options.find("after");
      after != options.end() && !absl::ParseDuration(after->second, &down)) {
    return absl::InvalidArgumentError("after= needs a duration such as 10s");
  }
  auto build = options.find("build");
  for (auto& [name, worker] : workers_) worker.connected = false;
  harness_.Restart(
      down, &Build(build == options.end() ? std::string() : build->second));
  Collect();
  return absl::OkStatus();
}

sdk::FlowRegistry& Player::Build(const std::string& build) {
  if (build.empty() || build == harness_.flows.build_id()) {
    return harness_.flows;
  }
  std::unique_ptr<sdk::FlowRegistry>& flows = builds_[build];
  if (flows == nullptr) {
    flows = std::make_unique<sdk::FlowRegistry>(build);
    program::RegisterInterpreter(*flows, environment_);
  }
  return *flows;
}

void Player::Round(std::vector<shard::Input> inputs) {
  harness_.Round(std::move(inputs));
  Collect();
}

void Player::Print(const std::string& line) {
  std::string when;
  if (advancing_) when = renderer_.Time(harness_.clock.Now()) + " ";
  for (const absl::string_view part :
       absl::StrSplit(renderer_.Stable(line), '\n')) {
    outputs_.push_back(absl::StrCat(when, part));
  }
}

void Player::PrintError(const absl::Status& status) {
  if (status.ok()) return;
  Print(absl::StrCat(absl::StatusCodeToString(status.code()), " ",
                     ErrorReason(status), ": ", status.message()));
}

}  // namespace anabranch::scenarios
