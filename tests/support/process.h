// A child process with its pipes: for programs and tests that start, stop and
// kill the real binaries.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anabranch::support {

struct ProcessOptions {
  std::string program;  // path of the executable
  std::vector<std::string> arguments = {};
  // Set beside the parent's environment.
  std::map<std::string, std::string> environment = {};
  // Left out of the parent's environment.
  std::vector<std::string> unset = {};
  // Where stderr is appended to; empty: it goes where the parent's goes.
  std::string stderr_file = "";
  // Given as stdin, which then ends.
  std::string input = "";
};

// How a process ended.
struct ProcessEnd {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;      // 0 when it ended by itself
};

// "exit code 3", "killed by signal 9".
std::string ToString(const ProcessEnd& end);

// One life of one child process, which ends with this object at the latest:
// the destructor kills it. It also dies with the thread that started it, so
// that nothing outlives an aborted test.
//
// Threads: one at a time; Kill() from any.
class Process {
 public:
  static absl::StatusOr<std::unique_ptr<Process>> Start(ProcessOptions options);

  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }

  // The next line of stdout without its end. DeadlineExceeded when none came,
  // OutOfRange at the end of the output.
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout);
  // What stdout still brings until it is closed.
  absl::StatusOr<std::string> ReadRest(absl::Duration timeout);

  // Nothing happens when the process has ended.
  void Kill(int signal);

  // DeadlineExceeded when the process is still there after `timeout`.
  absl::StatusOr<ProcessEnd> Wait(absl::Duration timeout);

  // SIGKILL, then the end of the process; it is gone on return.
  void KillAndWait();

 private:
  Process(pid_t pid, int pid_fd, int stdout_fd)
      : pid_(pid), pid_fd_(pid_fd), stdout_fd_(stdout_fd) {}

  // False when nothing came until `deadline`; sets at_end_.
  bool ReadMore(absl::Time deadline);

  const pid_t pid_;
  const int pid_fd_;
  const int stdout_fd_;
  std::string buffer_;
  bool at_end_ = false;
  std::optional<ProcessEnd> end_;
};

struct Finished {
  ProcessEnd end;
  std::string out;
};

// Starts it and waits for its end.
absl::StatusOr<Finished> RunProcess(ProcessOptions options,
                                    absl::Duration timeout);

}  // namespace anabranch::support
