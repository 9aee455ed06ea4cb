// A child process that does not outlive us.
#pragma once

#include <sys/types.h>

#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace anabranch::cli {

struct ProcessSpec {
  std::string path;
  std::vector<std::string> arguments;  // without the program's name
  // Changes of our environment: a value, or nothing to remove the variable.
  std::map<std::string, std::optional<std::string>> environment;
};

// How a process ended.
struct ProcessEnd {
  int exit_code = 0;
  int signal = 0;  // 0 when it exited by itself

  // "ended with exit code 3", "was killed by signal 9 (Killed)".
  std::string ToString() const;
};

// Starts it with standard output on our standard error, in a process group of
// its own (Ctrl-C reaches us alone), with no signal blocked. It gets SIGTERM
// when the calling thread ends. Returns its id.
absl::StatusOr<pid_t> StartProcess(const ProcessSpec& spec);

// Starts it the same way and waits for its end; its standard output goes to
// `out`.
absl::StatusOr<ProcessEnd> RunProcess(const ProcessSpec& spec,
                                      std::ostream& out);

// Nothing while it runs. `pid` is our child and was not reaped before.
std::optional<ProcessEnd> TryReap(pid_t pid);

}  // namespace anabranch::cli
