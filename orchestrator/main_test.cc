// The real process: its line, its refusals, its death and its next life.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "anabranch/v1/run_service.grpc.pb.h"

namespace anabranch {
namespace {

namespace api = anabranch::v1;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kBinary[] = "orchestrator/anabranch-orchestrator";
// A sanitizer's shadow memory is not ours.
#if __has_feature(address_sanitizer)
constexpr int kMemoryFactor = 20;
#else
constexpr int kMemoryFactor = 1;
#endif
constexpr char kLine[] = "anabranch orchestrator listening on ";

// A process whose stdout is read line by line and whose stderr goes to a file.
class Process {
 public:
  Process(const std::vector<std::string>& flags, const std::string& log)
      : log_(log) {
    int out[2];
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    std::vector<char*> argv = {const_cast<char*>(kBinary)};
    for (const std::string& flag : flags) {
      argv.push_back(const_cast<char*>(flag.c_str()));
    }
    argv.push_back(nullptr);
    EXPECT_EQ(
        posix_spawn(&pid_, kBinary, &actions, nullptr, argv.data(), environ),
        0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    out_ = fdopen(out[0], "r");
  }

  ~Process() {
    if (pid_ != 0) {
      kill(pid_, SIGKILL);
      Wait();
    }
    fclose(out_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Empty at the end of stdout.
  std::string ReadLine() {
    std::string line;
    for (int c = fgetc(out_); c != EOF && c != '\n'; c = fgetc(out_)) {
      line += static_cast<char>(c);
    }
    return line;
  }

  void Signal(int signal) const { kill(pid_, signal); }

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

  int64_t ResidentKiB() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
    }
    return -1;
  }

 private:
  std::string log_;
  pid_t pid_ = 0;
  FILE* out_ = nullptr;
};

class OrchestratorTest : public ::testing::Test {
 protected:
  OrchestratorTest() {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  // Later flags take the place of earlier ones.
  std::unique_ptr<Process> Start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> flags = {"--data-dir", folder_ + "/data",
                                      "--address", "127.0.0.1:0"};
    flags.insert(flags.end(), more.begin(), more.end());
    return std::make_unique<Process>(
        flags, folder_ + "/log" + std::to_string(++processes_));
  }

  // Waits for the process's line and connects to where it says.
  void Connect(Process& process) {
    std::string line = process.ReadLine();
    ASSERT_THAT(line, StartsWith(kLine)) << process.Log();
    address_ = line.substr(sizeof(kLine) - 1);
    runs_ = api::RunService::NewStub(
        grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
  }

  void StartRun(const std::string& run_id) {
    grpc::ClientContext context;
    api::StartRunRequest request;
    request.set_run_id(run_id);
    request.set_flow("wait_for_signal");
    request.mutable_input()->set_json_text(R"({"signal":"go"})");
    api::StartRunResponse response;
    grpc::Status status = runs_->StartRun(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  void SignalRun(const std::string& run_id) {
    grpc::ClientContext context;
    api::SignalRunRequest request;
    request.set_run_id(run_id);
    request.set_signal("go");
    request.mutable_input()->set_json_text("5");
    api::SignalRunResponse response;
    grpc::Status status = runs_->SignalRun(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  api::Run AwaitRun(const std::string& run_id) {
    grpc::ClientContext context;
    api::AwaitRunRequest request;
    request.set_run_id(run_id);
    api::AwaitRunResponse response;
    grpc::Status status = runs_->AwaitRun(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_TRUE(response.done());
    return response.run();
  }

  std::string folder_;
  std::string address_;
  std::unique_ptr<api::RunService::Stub> runs_;

 private:
  int processes_ = 0;
};

TEST_F(OrchestratorTest, SaysWhereItListensAndStopsCleanly) {
  auto process = Start();
  Connect(*process);
  StartRun("r1");
  EXPECT_LT(process->ResidentKiB(), 40 * 1024 * kMemoryFactor);
  process->Signal(SIGTERM);
  EXPECT_EQ(process->Wait(), 0);
  EXPECT_EQ(process->ReadLine(), "");
  EXPECT_THAT(process->Log(), HasSubstr("SIGTERM: stopping"));
  EXPECT_THAT(process->Log(), ::testing::EndsWith("stopped\n"));
}

TEST_F(OrchestratorTest, GoesOnAfterBeingKilled) {
  auto first = Start();
  Connect(*first);
  StartRun("r1");
  first->Signal(SIGKILL);
  EXPECT_EQ(first->Wait(), -SIGKILL);
  auto second = Start({"--live-flows", "0"});
  Connect(*second);
  SignalRun("r1");
  EXPECT_EQ(AwaitRun("r1").result().json().number_value(), 5);
}

TEST_F(OrchestratorTest, EndsWatchersAndWaitersWhenItStops) {
  auto process = Start();
  Connect(*process);
  StartRun("r1");
  grpc::ClientContext context;
  api::WatchRunRequest request;
  request.set_run_id("r1");
  auto reader = runs_->WatchRun(&context, request);
  api::WatchRunResponse message;
  ASSERT_TRUE(reader->Read(&message));
  process->Signal(SIGINT);
  while (reader->Read(&message)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(process->Wait(), 0);
}

TEST_F(OrchestratorTest, RefusesAFolderInUse) {
  auto first = Start();
  Connect(*first);
  auto second = Start();
  EXPECT_EQ(second->ReadLine(), "");
  EXPECT_EQ(second->Wait(), 1);
  EXPECT_THAT(second->Log(), HasSubstr("is in use by process"));
}

TEST_F(OrchestratorTest, RefusesAPortInUse) {
  auto first = Start();
  Connect(*first);
  auto second =
      Start({"--data-dir", folder_ + "/other", "--address", address_});
  EXPECT_EQ(second->Wait(), 1);
  EXPECT_THAT(second->Log(), HasSubstr("another process does"));
}

TEST_F(OrchestratorTest, RefusesWhatOthersCanReach) {
  auto process = Start({"--address", "0.0.0.0:0"});
  EXPECT_EQ(process->Wait(), 1);
  EXPECT_THAT(process->Log(), HasSubstr("--insecure-listen"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/data"));
}

TEST_F(OrchestratorTest, BadUsageIsTwo) {
  for (const char* flag : {"--nonsense", "--live-flows=-1", "--log-level=loud",
                           "--log-format=xml", "--crash-at-append=0:before"}) {
    EXPECT_EQ(Start({flag})->Wait(), 2) << flag;
  }
  EXPECT_EQ(Start({"--help"})->Wait(), 0);
}

TEST_F(OrchestratorTest, DiesWhereItIsTold) {
  EXPECT_EQ(Start({"--crash-at-append=1:before"})->Wait(), -SIGKILL);
  EXPECT_EQ(Start({"--crash-at-append=1:after-effects"})->Wait(), -SIGKILL);
  auto process = Start({"--crash-at-append=2:after-sync"});
  Connect(*process);
  grpc::ClientContext context;
  api::StartRunRequest request;
  request.set_run_id("r1");
  request.set_flow("wait_for_signal");
  request.mutable_input()->set_json_text(R"({"signal":"go"})");
  api::StartRunResponse response;
  EXPECT_EQ(runs_->StartRun(&context, request, &response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(process->Wait(), -SIGKILL);
  // Durable, though nobody was told: the same request finds it.
  auto next = Start();
  Connect(*next);
  grpc::ClientContext again;
  ASSERT_TRUE(runs_->StartRun(&again, request, &response).ok());
  EXPECT_FALSE(response.created());
}

}  // namespace
}  // namespace anabranch
