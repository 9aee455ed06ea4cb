// What a command sees of the world: streams, terminal, variables, time zone.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace anabranch::cli {

struct Environment {
  std::istream& in;
  std::ostream& out;  // data
  std::ostream& err;  // errors, progress
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // Columns of the terminal; 0 is unlimited.
  int width = 0;
  // Lines of the terminal; 0 is unlimited.
  int height = 0;
  absl::TimeZone zone = absl::UTCTimeZone();
  std::function<std::optional<std::string>(const char*)> getenv = nullptr;
  // How long an orchestrator that never answered is waited for, and one that
  // went away.
  absl::Duration connect_patience = absl::Seconds(1);
  absl::Duration outage_patience = absl::Seconds(60);
  // When somebody who waits is told that no worker is there.
  absl::Duration hint_after = absl::Seconds(2);
  // How often somebody who waits for a batch asks how far it is.
  absl::Duration poll_interval = absl::Milliseconds(500);
};

// This process's own.
Environment ProcessEnvironment();

}  // namespace anabranch::cli
