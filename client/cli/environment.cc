#include "client/cli/environment.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace anabranch::cli {

Environment ProcessEnvironment() {
  Environment env{.in = std::cin, .out = std::cout, .err = std::cerr};
  env.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  env.err_is_terminal = isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (env.out_is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    env.width = size.ws_col;
  }
  if (env.err_is_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0) {
    env.height = size.ws_row;
  }
  env.zone = absl::LocalTimeZone();
  env.getenv = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
  };
  return env;
}

}  // namespace anabranch::cli
