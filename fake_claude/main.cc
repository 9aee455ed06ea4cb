// fake_claude: a local Messages API for demonstrations and tests.
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "fake_claude/rules.h"
#include "fake_claude/server.h"

namespace anabranch::fake_claude {
namespace {

constexpr char kHelp[] =
    "A local Messages API: no key is needed and nothing leaves the machine.\n"
    "GET /ledger tells every call; GET and POST /control the settings.";

constexpr char kFooter[] = R"(
A fault is key=value pairs:
  kind=status|error_event|cut|reset|eof|stall|hang
  status=529  type=overloaded_error  message=TEXT  error_code=CODE  html=TEXT
  retry_after=7  retry_after_ms=250  should_retry=true|false
  after=N|message_delta   (content deltas sent before it strikes; default 2)
  silence_ms=N            (stall and hang; default: until the client leaves)
and, to say for which calls: user_contains=TEXT system_contains=TEXT
  model=GLOB task_uid=HEX attempt=N nth=N every=N times=N

A script file is JSON:
  {"answers": [{"match": {"user_contains": "hello", "model": "claude-opus*",
                          "nth": 2},
                "times": 1,
                "answer": {"text": "Hi."}},
               {"answer": {"content": [{"type": "tool_use", "name": "Bash",
                                        "input": {"command": "ls"}}],
                           "stop_reason": "tool_use",
                           "usage": {"input_tokens": 11},
                           "ttft_ms": 100, "tokens_per_second": 50},
                "fault": {"kind": "cut", "after": 3}}],
   "faults": [{"match": {"nth": 1}, "times": 1,
               "fault": {"kind": "status", "status": 529}}]}
The first entry that matches and is not used up is taken; without one the
answer is made up from the request.)";

struct Flags {
  std::string address = "127.0.0.1:8787";
  std::string script;
  std::vector<std::string> faults;
  ServerOptions options;
};

absl::Status ParseAddress(const std::string& address, HttpOptions* http) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("--address must be HOST:PORT, not \"", address, "\""));
  }
  http->host = address.substr(0, colon);
  // An IPv6 address stands in brackets.
  if (http->host.size() > 2 && http->host.front() == '[' &&
      http->host.back() == ']') {
    http->host = http->host.substr(1, http->host.size() - 2);
  }
  http->port = port;
  return absl::OkStatus();
}

absl::Status LoadScript(const std::string& path, Behaviour& behaviour) {
  if (path.empty()) return absl::OkStatus();
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(absl::StrCat("cannot read the script ", path));
  }
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  Json json;
  std::string reason;
  if (!ParseJson(text, &json, &reason)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", reason));
  }
  absl::StatusOr<Script> script = ParseScript(json);
  if (!script.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", script.status().message()));
  }
  behaviour.SetScript(*std::move(script));
  return absl::OkStatus();
}

// Every connection is a file descriptor.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

absl::Status Run(const Flags& flags) {
  // Blocked in every thread, so that sigwait below gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  RaiseDescriptorLimit();

  ServerOptions options = flags.options;
  RETURN_IF_ERROR(ParseAddress(flags.address, &options.http));
  RealClock clock;
  Server server(options, clock);
  RETURN_IF_ERROR(LoadScript(flags.script, server.behaviour()));
  for (const std::string& fault : flags.faults) {
    ASSIGN_OR_RETURN(Rule rule, ParseFaultFlag(fault));
    server.behaviour().AddFault(std::move(rule));
  }
  RETURN_IF_ERROR(server.Start());
  std::cout << "fake_claude listening on " << server.Url() << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  server.Stop();
  return absl::OkStatus();
}

}  // namespace
}  // namespace anabranch::fake_claude

int main(int argc, char** argv) {
  using anabranch::fake_claude::Flags;
  Flags flags;
  CLI::App app(anabranch::fake_claude::kHelp, "fake_claude");
  app.footer(anabranch::fake_claude::kFooter);
  app.add_option("--address", flags.address,
                 "HOST:PORT to listen on; port 0: any free one")
      ->capture_default_str();
  app.add_option("--ttft-ms", flags.options.pace.ttft_ms,
                 "time to the first token of a reply")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--tokens-per-second", flags.options.pace.tokens_per_second,
                 "pace of a reply; 0: as fast as possible")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--script", flags.script, "JSON file with exact answers");
  app.add_option("--fault", flags.faults, "a fault, see below; repeatable")
      ->allow_extra_args(false);
  app.add_option("--api-key", flags.options.api_key,
                 "the only right key; default: any");
  app.add_option("--max-connections", flags.options.http.connections_max,
                 "connections served at once, a thread each")
      ->check(CLI::Range(1, 20'000))
      ->capture_default_str();
  app.add_option("--ledger-file", flags.options.ledger_file,
                 "append the ledger to this file too, a JSON line per change");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = anabranch::fake_claude::Run(flags);
  if (!status.ok()) {
    std::cerr << "fake_claude: " << status.message() << '\n';
    return 1;
  }
  return 0;
}
