// Runs the program in this process against a FakeServer.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "client/cli/environment.h"
#include "client/cli/program.h"
#include "client/testing/fake_server.h"
#include "gtest/gtest.h"

namespace anabranch::testing {

class CliTest : public ::testing::Test {
 protected:
  // The exit code; `out` and `err` hold what was printed.
  int Run(std::vector<std::string> arguments) {
    in_.str(input);
    in_.clear();
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    cli::Environment env{.in = in_, .out = out_stream, .err = err_stream};
    env.out_is_terminal = terminal;
    env.err_is_terminal = terminal;
    env.width = width;
    env.hint_after = hint_after;
    env.poll_interval = absl::ZeroDuration();
    env.getenv = [this](const char* name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
    const int code = cli::RunProgram(arguments, env);
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }

  FakeServer server;
  Canned& canned = server.canned;
  std::map<std::string, std::string> variables = {
      {"ANABRANCH_ADDRESS", server.address()}};
  std::string input;
  bool terminal = false;
  int width = 0;
  absl::Duration hint_after = absl::Hours(1);
  std::string out;
  std::string err;

 private:
  std::istringstream in_;
};

}  // namespace anabranch::testing
