// The real process: what it offers, what it says, how it ends.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "activity_worker/testing/test_server.h"

namespace anabranch::activity_worker {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TestServer;
using Strings = std::vector<std::string>;

constexpr char kBinary[] = "activity_worker/anabranch-worker";

std::vector<char*> Pointers(Strings& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// A process whose stderr goes to a file.
class Process {
 public:
  Process(Strings flags, Strings environment)
      : log_(std::string(getenv("TEST_TMPDIR")) + "/worker.log") {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    flags.insert(flags.begin(), kBinary);
    EXPECT_EQ(posix_spawn(&pid_, kBinary, &actions, nullptr,
                          Pointers(flags).data(), Pointers(environment).data()),
              0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Process() {
    if (pid_ == 0) return;
    Signal(SIGKILL);
    Wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Signal(int number) const { kill(pid_, number); }

  // The exit code, or minus the signal that ended it.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  std::string Log() const {
    std::ifstream file(log_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  std::string log_;
  pid_t pid_ = 0;
};

Strings To(const TestServer& server, Strings flags = {}) {
  flags.push_back("--address=127.0.0.1:" + std::to_string(server.port()));
  return flags;
}

TEST(WorkerProcess, LeavesCleanlyOnSigterm) {
  TestServer server;
  Process worker(To(server, {"--log-format=json", "--label=w1", "--slots=3"}),
                 {"ANTHROPIC_BASE_URL=http://127.0.0.1:1"});
  const auto connection = server.Accept();
  const v1::Hello hello = connection->Greet(3);
  EXPECT_EQ(hello.label(), "w1");
  EXPECT_EQ(hello.session().size(), 32u);
  EXPECT_THAT(hello.activity_types(), Contains("claude.messages"));
  EXPECT_THAT(hello.activity_types(), Contains("conversation.compare"));
  worker.Signal(SIGTERM);
  EXPECT_TRUE(connection->Read().has_leaving());
  EXPECT_EQ(connection->Read().kind_case(), v1::WorkerMessage::KIND_NOT_SET);
  connection->End();
  EXPECT_EQ(worker.Wait(), 0);
  const std::string log = worker.Log();
  const std::string end = "\"message\":\"ended: everything handed over\"}\n";
  ASSERT_GT(log.size(), end.size());
  EXPECT_EQ(log.substr(log.size() - end.size()), end) << log;
}

TEST(WorkerProcess, ASecondSignalEndsItAtOnce) {
  TestServer server;
  Process worker(To(server, {"--drain-seconds=3600"}), {});
  const auto connection = server.Accept();
  connection->Greet(200);
  connection->SendTask("t1", "sleep", R"({"seconds":3600})");
  worker.Signal(SIGTERM);
  EXPECT_TRUE(connection->Read().has_leaving());
  worker.Signal(SIGTERM);
  EXPECT_EQ(worker.Wait(), 1);
  connection->End();
}

TEST(WorkerProcess, WithoutAKeyItOffersWhatNeedsNone) {
  TestServer server;
  Process worker(To(server), {});
  const auto connection = server.Accept();
  const v1::Hello hello = connection->Greet(200);
  EXPECT_THAT(hello.activity_types(), Not(Contains("claude.messages")));
  EXPECT_THAT(hello.activity_types(), Contains("echo"));
  EXPECT_THAT(worker.Log(), HasSubstr("ANTHROPIC_API_KEY"));
  connection->End();
}

TEST(WorkerProcess, TheKeyIsNeitherLoggedNorSentToTheOrchestrator) {
  TestServer server;
  Process worker(To(server, {"--log-level=trace"}),
                 {"ANTHROPIC_API_KEY=sk-secret"});
  const auto connection = server.Accept();
  const v1::Hello hello = connection->Greet(200);
  EXPECT_THAT(hello.activity_types(), Contains("claude.messages"));
  EXPECT_THAT(hello.SerializeAsString(), Not(HasSubstr("sk-secret")));
  worker.Signal(SIGTERM);
  EXPECT_TRUE(connection->Read().has_leaving());
  connection->End();
  EXPECT_EQ(worker.Wait(), 0);
  EXPECT_THAT(worker.Log(), HasSubstr("the key in ANTHROPIC_API_KEY"));
  EXPECT_THAT(worker.Log(), Not(HasSubstr("sk-secret")));
}

TEST(WorkerProcess, RefusesBadUsageWithTwo) {
  const struct {
    Strings flags;
    Strings environment;
    std::string says;
  } cases[] = {
      {{"--types=claude.messages"}, {}, "ANTHROPIC_API_KEY"},
      {{"--types=unheard.of"}, {}, "unheard.of"},
      {{"--slots=0"}, {}, "--slots"},
      {{"--log-format=xml"}, {}, "json"},
      {{"--anthropic-version=newest"}, {}, "2026-10-21"},
      {{}, {"ANTHROPIC_BASE_URL=http://example.com"}, "ANTHROPIC_BASE_URL"},
  };
  for (const auto& one : cases) {
    Process worker(one.flags, one.environment);
    EXPECT_EQ(worker.Wait(), 2) << one.says;
    EXPECT_THAT(worker.Log(), HasSubstr(one.says));
  }
}

}  // namespace
}  // namespace anabranch::activity_worker
