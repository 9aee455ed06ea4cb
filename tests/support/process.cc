#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/check.h"
#include "base/status_macros.h"

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 forgot to say that it is C
}

// NOLINTNEXTLINE(readability-redundant-declaration): not in every unistd.h
extern char** environ;

namespace anabranch::support {
namespace {

absl::Status SystemError(const std::string& what) {
  return absl::InternalError(absl::StrCat(what, ": ", std::strerror(errno)));
}

// Milliseconds for poll(), rounded up.
int PollTimeout(absl::Time deadline) {
  const absl::Duration left =
      std::clamp(deadline - absl::Now(), absl::ZeroDuration(), absl::Hours(1));
  return static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

// False when `fd` did not become readable until `deadline`.
bool AwaitReadable(int fd, absl::Time deadline) {
  while (true) {
    pollfd entry{fd, POLLIN, 0};
    const int ready = poll(&entry, 1, PollTimeout(deadline));
    if (ready > 0) return true;
    if (ready == 0) return false;
    AB_CHECK(errno == EINTR);
  }
}

std::vector<std::string> Environment(const ProcessOptions& options) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::string name = text.substr(0, text.find('='));
    if (options.environment.contains(name)) continue;
    if (std::ranges::find(options.unset, name) != options.unset.end()) continue;
    result.push_back(text);
  }
  for (const auto& [name, value] : options.environment) {
    result.push_back(absl::StrCat(name, "=", value));
  }
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// What the child needs between fork and exec, where nothing may be allocated.
struct ChildSetup {
  pid_t parent;
  int stdin_fd;
  int stdout_fd;
  int stderr_fd;  // -1: the parent's
  const char* program;
  char** arguments;
  char** environment;
};

[[noreturn]] void BecomeProgram(const ChildSetup& setup) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != setup.parent) _exit(126);  // it died before the line above
  dup2(setup.stdin_fd, STDIN_FILENO);
  dup2(setup.stdout_fd, STDOUT_FILENO);
  if (setup.stderr_fd >= 0) dup2(setup.stderr_fd, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  execve(setup.program, setup.arguments, setup.environment);
  _exit(127);
}

// A file without a name that holds the input.
absl::StatusOr<int> InputFile(const std::string& input) {
  if (input.empty()) return open("/dev/null", O_RDONLY | O_CLOEXEC);
  const char* folder = getenv("TMPDIR");
  const int fd = open(folder == nullptr ? "/tmp" : folder,
                      O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError("a temporary file for stdin");
  if (write(fd, input.data(), input.size()) !=
          static_cast<ssize_t>(input.size()) ||
      lseek(fd, 0, SEEK_SET) != 0) {
    close(fd);
    return SystemError("writing stdin's file");
  }
  return fd;
}

}  // namespace

std::string ToString(const ProcessEnd& end) {
  if (end.signal != 0) return absl::StrCat("killed by signal ", end.signal);
  return absl::StrCat("exit code ", end.exit_code);
}

absl::StatusOr<std::unique_ptr<Process>> Process::Start(
    ProcessOptions options) {
  if (access(options.program.c_str(), X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat("no program at ", options.program, "; ./dev build"));
  }
  ASSIGN_OR_RETURN(const int stdin_fd, InputFile(options.input));
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return SystemError("pipe");
  int stderr_fd = -1;
  if (!options.stderr_file.empty()) {
    stderr_fd = open(options.stderr_file.c_str(),
                     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (stderr_fd < 0) return SystemError(options.stderr_file);
  }
  std::vector<std::string> arguments = std::move(options.arguments);
  arguments.insert(arguments.begin(), options.program);
  std::vector<std::string> environment = Environment(options);
  std::vector<char*> argument_pointers = Pointers(arguments);
  std::vector<char*> environment_pointers = Pointers(environment);
  const ChildSetup setup{getpid(),
                         stdin_fd,
                         pipe_fds[1],
                         stderr_fd,
                         options.program.c_str(),
                         argument_pointers.data(),
                         environment_pointers.data()};
  const pid_t pid = fork();
  if (pid == 0) BecomeProgram(setup);
  close(stdin_fd);
  close(pipe_fds[1]);
  if (stderr_fd >= 0) close(stderr_fd);
  if (pid < 0) {
    close(pipe_fds[0]);
    return SystemError("fork");
  }
  const int pid_fd = pidfd_open(pid, 0);
  AB_CHECK(pid_fd >= 0);
  return std::unique_ptr<Process>(new Process(pid, pid_fd, pipe_fds[0]));
}

Process::~Process() {
  KillAndWait();
  close(stdout_fd_);
  close(pid_fd_);
}

bool Process::ReadMore(absl::Time deadline) {
  if (!AwaitReadable(stdout_fd_, deadline)) return false;
  char chunk[65536];
  const ssize_t count = read(stdout_fd_, chunk, sizeof(chunk));
  if (count <= 0) {
    at_end_ = true;
  } else {
    buffer_.append(chunk, static_cast<size_t>(count));
  }
  return true;
}

absl::StatusOr<std::string> Process::ReadLine(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    const size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    if (at_end_) return absl::OutOfRangeError("its output has ended");
    if (!ReadMore(deadline)) {
      return absl::DeadlineExceededError("it wrote no line in time");
    }
  }
}

absl::StatusOr<std::string> Process::ReadRest(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!at_end_) {
    if (!ReadMore(deadline)) {
      return absl::DeadlineExceededError("its output did not end in time");
    }
  }
  return std::exchange(buffer_, "");
}

void Process::Kill(int signal) {
  // The descriptor names this process even when its number is in use again.
  pidfd_send_signal(pid_fd_, signal, nullptr, 0);
}

absl::StatusOr<ProcessEnd> Process::Wait(absl::Duration timeout) {
  if (end_.has_value()) return *end_;
  if (!AwaitReadable(pid_fd_, absl::Now() + timeout)) {
    return absl::DeadlineExceededError("the process has not ended in time");
  }
  int status = 0;
  AB_CHECK(waitpid(pid_, &status, 0) == pid_);
  end_ = WIFEXITED(status) ? ProcessEnd{WEXITSTATUS(status), 0}
                           : ProcessEnd{-1, WTERMSIG(status)};
  return *end_;
}

void Process::KillAndWait() {
  if (end_.has_value()) return;
  Kill(SIGKILL);
  Wait(absl::InfiniteDuration()).IgnoreError();  // it cannot fail
}

absl::StatusOr<Finished> RunProcess(ProcessOptions options,
                                    absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  ASSIGN_OR_RETURN(const std::unique_ptr<Process> process,
                   Process::Start(std::move(options)));
  Finished finished;
  ASSIGN_OR_RETURN(finished.out, process->ReadRest(timeout));
  ASSIGN_OR_RETURN(finished.end, process->Wait(deadline - absl::Now()));
  return finished;
}

}  // namespace anabranch::support
