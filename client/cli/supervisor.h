// Keeps child processes running and stops them in order.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cli/process.h"

namespace anabranch::cli {

// Threads: one, which lives as long as the children shall. Blocks SIGINT,
// SIGTERM, SIGHUP and SIGCHLD for this thread and those started later.
class Supervisor {
 public:
  // `say` gets sentences for people.
  explicit Supervisor(std::function<void(const std::string&)> say);
  // Kills what still runs.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts a child; StopAll() ends the last one started first.
  absl::Status Start(const std::string& name, const ProcessSpec& spec);

  // Waits for a signal or a child's end, at most so long, and looks after the
  // children. An error when one cannot be kept running.
  absl::Status Look(absl::Duration at_most);
  // Before the children are known good an end is an error; from then on they
  // are started again.
  void KeepAlive() { keep_alive_ = true; }
  // Somebody asked to stop.
  bool stopping() const { return stopping_; }

  // SIGTERM to one after the other, SIGKILL to what takes too long or when a
  // second signal comes.
  void StopAll();

  // 0 when there is none of that name.
  pid_t PidOf(const std::string& name) const;

 private:
  struct Child {
    std::string name;
    ProcessSpec spec;
    pid_t pid = 0;  // 0: not running
    absl::Time started;
    absl::Time start_again;  // when not running
    int quick_ends = 0;      // in a row
  };

  absl::Status Launch(Child& child);
  absl::Status ReapAll();
  absl::Status OnEnd(Child& child, const ProcessEnd& end);
  void Stop(Child& child);

  const std::function<void(const std::string&)> say_;
  sigset_t signals_;
  std::vector<Child> children_;
  bool keep_alive_ = false;
  bool stopping_ = false;
};

}  // namespace anabranch::cli
