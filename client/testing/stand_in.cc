// Stands for the programs that `anabranch up` starts, by the name that it is
// called: the orchestrator and fake_claude listen at --address, all write down
// their end in STAND_IN_LOG and end on SIGTERM. A --data-dir "refused" makes it
// end with 7 at once.
#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "client/testing/fake_server.h"

namespace {

std::string Value(int argc, char** argv, const std::string& option) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == option) return argv[i + 1];
  }
  return "";
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "-" : value;
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const std::string name = std::filesystem::path(argv[0]).filename();
  if (Value(argc, argv, "--data-dir") == "refused") return 7;
  const std::string address = Value(argc, argv, "--address");
  std::unique_ptr<anabranch::testing::FakeServer> server;
  int port = 0;
  if (name != "anabranch-worker" &&
      absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) {
    server = std::make_unique<anabranch::testing::FakeServer>(port);
    server->canned.workers.emplace_back().set_label("stand-in");
    server->canned.flows.emplace_back().set_name("claude_chat");
  }
  // A signal that comes earlier than this leaves no trace.
  std::cout << name << " is ready" << std::endl;
  int number = 0;
  sigwait(&signals, &number);
  std::ofstream(Variable("STAND_IN_LOG"), std::ios::app)
      << name << " key=" << Variable("ANTHROPIC_API_KEY")
      << " url=" << Variable("ANTHROPIC_BASE_URL") << std::endl;
  return 0;
}
