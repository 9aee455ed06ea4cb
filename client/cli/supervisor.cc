#include "client/cli/supervisor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "client/cli/text.h"

namespace anabranch::cli {
namespace {

// One that lives no longer has a problem that starting again does not solve…
constexpr absl::Duration kQuick = absl::Seconds(2);
// …after so many times in a row.
constexpr int kQuickEndsMax = 5;
constexpr absl::Duration kPause = absl::Milliseconds(200);
// A worker lets its calls end for 10 s.
constexpr absl::Duration kStopPatience = absl::Seconds(15);

}  // namespace

Supervisor::Supervisor(std::function<void(const std::string&)> say)
    : say_(std::move(say)) {
  sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
    sigaddset(&signals_, number);
  }
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

Supervisor::~Supervisor() {
  for (const Child& child : children_) {
    if (child.pid != 0) kill(child.pid, SIGKILL);
  }
}

absl::Status Supervisor::Start(const std::string& name,
                               const ProcessSpec& spec) {
  Child child;
  child.name = name;
  child.spec = spec;
  RETURN_IF_ERROR(Launch(child));
  children_.push_back(std::move(child));
  return absl::OkStatus();
}

absl::Status Supervisor::Launch(Child& child) {
  ASSIGN_OR_RETURN(child.pid, StartProcess(child.spec));
  child.started = absl::Now();
  return absl::OkStatus();
}

absl::Status Supervisor::Look(absl::Duration at_most) {
  absl::Time until = absl::Now() + at_most;
  for (const Child& child : children_) {
    if (child.pid == 0) until = std::min(until, child.start_again);
  }
  const timespec wait =
      absl::ToTimespec(std::max(until - absl::Now(), absl::ZeroDuration()));
  const int number = sigtimedwait(&signals_, nullptr, &wait);
  if (number == SIGINT || number == SIGTERM || number == SIGHUP) {
    stopping_ = true;
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(ReapAll());
  for (Child& child : children_) {
    if (child.pid != 0 || absl::Now() < child.start_again) continue;
    RETURN_IF_ERROR(Launch(child));
    say_(absl::StrCat("started ", child.name, " again (pid ", child.pid, ")"));
  }
  return absl::OkStatus();
}

// Signals of several ends may be merged into one: look at all.
absl::Status Supervisor::ReapAll() {
  for (Child& child : children_) {
    if (child.pid == 0) continue;
    const std::optional<ProcessEnd> end = TryReap(child.pid);
    if (end.has_value()) RETURN_IF_ERROR(OnEnd(child, *end));
  }
  return absl::OkStatus();
}

absl::Status Supervisor::OnEnd(Child& child, const ProcessEnd& end) {
  const std::string what =
      absl::StrCat(child.name, " (pid ", child.pid, ") ", end.ToString());
  const absl::Duration lived = absl::Now() - child.started;
  child.pid = 0;
  if (!keep_alive_) {
    return absl::AbortedError(
        absl::StrCat(what, " before it was ready; what it said is above."));
  }
  child.quick_ends = lived < kQuick ? child.quick_ends + 1 : 0;
  if (child.quick_ends >= kQuickEndsMax) {
    return absl::AbortedError(absl::StrCat(
        what, ", ", child.quick_ends,
        " times in a row right after its start; what it said is above."));
  }
  child.start_again = absl::Now() + kPause * child.quick_ends;
  say_(what);
  return absl::OkStatus();
}

void Supervisor::StopAll() {
  for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
    Stop(*child);
  }
}

void Supervisor::Stop(Child& child) {
  if (child.pid == 0) return;
  kill(child.pid, SIGTERM);
  const absl::Time patience = absl::Now() + kStopPatience;
  bool killed = false;
  while (true) {
    if (TryReap(child.pid).has_value()) break;
    const timespec wait = absl::ToTimespec(
        std::max(patience - absl::Now(), absl::ZeroDuration()));
    const int number =
        sigtimedwait(&signals_, nullptr, killed ? nullptr : &wait);
    if (number == SIGCHLD || killed) continue;
    say_(absl::StrCat("killing ", child.name, " (pid ", child.pid, ")",
                      number < 0 ? absl::StrCat(": it did not end within ",
                                                HumanDuration(kStopPatience))
                                 : std::string()));
    kill(child.pid, SIGKILL);
    killed = true;
  }
  child.pid = 0;
}

pid_t Supervisor::PidOf(const std::string& name) const {
  for (const Child& child : children_) {
    if (child.name == name) return child.pid;
  }
  return 0;
}

}  // namespace anabranch::cli
