#include "client/cli/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ostream>

#include "absl/strings/str_cat.h"

extern char** environ;

namespace anabranch::cli {
namespace {

std::vector<std::string> BuildEnvironment(const ProcessSpec& spec) {
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    const std::string name = variable.substr(0, variable.find('='));
    if (spec.environment.count(name) == 0) variables.push_back(variable);
  }
  for (const auto& [name, value] : spec.environment) {
    if (value.has_value()) variables.push_back(absl::StrCat(name, "=", *value));
  }
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the child, after fork: async-signal-safe calls only. Writes errno to
// `report` when the program cannot be started.
[[noreturn]] void BecomeProgram(const char* path, char* const* arguments,
                                char* const* variables, pid_t parent,
                                int output, int report) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it ended before the call above
  dup2(output, STDOUT_FILENO);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  execve(path, arguments, variables);
  const int error = errno;
  // Nobody is left to tell when this fails.
  [[maybe_unused]] const ssize_t written = write(report, &error, sizeof(error));
  _exit(127);
}

ProcessEnd EndOf(int status) {
  ProcessEnd end;
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
  } else {
    end.exit_code = WEXITSTATUS(status);
  }
  return end;
}

// With its standard output on the descriptor `output`.
absl::StatusOr<pid_t> StartWithOutput(const ProcessSpec& spec, int output) {
  std::vector<std::string> arguments = spec.arguments;
  arguments.insert(arguments.begin(), spec.path);
  std::vector<std::string> variables = BuildEnvironment(spec);
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(variables);
  // Closed by a successful exec, else it carries errno.
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrCat("pipe: ", std::strerror(errno)));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    BecomeProgram(spec.path.c_str(), argv.data(), envp.data(), parent, output,
                  report[1]);
  }
  const int fork_error = errno;
  close(report[1]);
  int exec_error = 0;
  const bool failed =
      pid > 0 && read(report[0], &exec_error, sizeof(exec_error)) > 0;
  close(report[0]);
  if (pid < 0) {
    return absl::InternalError(
        absl::StrCat("fork: ", std::strerror(fork_error)));
  }
  if (failed) {
    waitpid(pid, nullptr, 0);
    return absl::FailedPreconditionError(absl::StrCat(
        spec.path, " cannot be started: ", std::strerror(exec_error)));
  }
  return pid;
}

}  // namespace

std::string ProcessEnd::ToString() const {
  if (signal == 0) return absl::StrCat("ended with exit code ", exit_code);
  return absl::StrCat("was killed by signal ", signal, " (", strsignal(signal),
                      ")");
}

absl::StatusOr<pid_t> StartProcess(const ProcessSpec& spec) {
  return StartWithOutput(spec, STDERR_FILENO);
}

absl::StatusOr<ProcessEnd> RunProcess(const ProcessSpec& spec,
                                      std::ostream& out) {
  int output[2];
  if (pipe2(output, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrCat("pipe: ", std::strerror(errno)));
  }
  absl::StatusOr<pid_t> pid = StartWithOutput(spec, output[1]);
  close(output[1]);
  std::array<char, 64 * 1024> buffer{};
  while (pid.ok()) {
    const ssize_t bytes = read(output[0], buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    out.write(buffer.data(), bytes);
  }
  close(output[0]);
  if (!pid.ok()) return pid.status();
  int status = 0;
  while (waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  out.flush();
  return EndOf(status);
}

std::optional<ProcessEnd> TryReap(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  return EndOf(status);
}

}  // namespace anabranch::cli
