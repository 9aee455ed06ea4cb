#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace anabranch::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

// `anabranch up` as a process of its own over stand-ins of the programs.
class UpTest : public ::testing::Test {
 protected:
  UpTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(std::getenv("TEST_TMPDIR")) / info->name();
    fs::create_directories(root_ / "bin");
    for (const char* name :
         {"anabranch-orchestrator", "anabranch-worker", "fake_claude"}) {
      // A link: it goes by the name it is called.
      fs::create_symlink(fs::absolute("client/testing/stand_in"),
                         root_ / "bin" / name);
    }
  }

  ~UpTest() override {
    if (pipe_ == nullptr) return;
    kill(pid_, SIGKILL);
    pclose(pipe_);
  }

  // Standard output and error come as one stream.
  void Start(const std::string& options, const std::string& variables = "") {
    const std::string command = absl::StrCat(
        "echo $$; exec env -u ANTHROPIC_API_KEY -u ANTHROPIC_AUTH_TOKEN -u "
        "ANTHROPIC_BASE_URL STAND_IN_LOG=",
        (root_ / "log").string(), " ", variables,
        " client/anabranch up --address 127.0.0.1:0 --bin-dir ",
        (root_ / "bin").string(), " ", options, " 2>&1");
    pipe_ = popen(command.c_str(), "r");
    ASSERT_NE(pipe_, nullptr);
    pid_ = std::atoi(ReadLine().c_str());
    ASSERT_GT(pid_, 0);
  }

  // Empty at the end of the stream: all processes are gone then.
  std::string ReadLine() {
    std::array<char, 4096> buffer{};
    if (fgets(buffer.data(), buffer.size(), pipe_) == nullptr) return "";
    std::string line = buffer.data();
    all_ += line;
    if (!line.empty() && line.back() == '\n') line.pop_back();
    return line;
  }

  std::string ReadUntil(const std::string& part) {
    while (true) {
      const std::string line = ReadLine();
      if (line.empty() || line.find(part) != std::string::npos) return line;
    }
  }

  // Until so many stand-ins in all have said that they are ready.
  void AwaitReady(int count) {
    while (count > Occurrences(" is ready\n") && !ReadLine().empty()) {
    }
  }

  int Occurrences(const std::string& part) const {
    int count = 0;
    for (size_t at = all_.find(part); at != std::string::npos;
         at = all_.find(part, at + 1)) {
      ++count;
    }
    return count;
  }

  void ReadToTheEnd() {
    while (!ReadLine().empty()) {
    }
  }

  int ExitCode() {
    const int status = pclose(pipe_);
    pipe_ = nullptr;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string Log() {
    std::ifstream file(root_ / "log");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  fs::path root_;
  FILE* pipe_ = nullptr;
  pid_t pid_ = 0;
  std::string all_;
};

TEST_F(UpTest, AnnouncesRestartsAndStopsInOrder) {
  Start("--fake-claude --json --data-dir " + (root_ / "data").string(),
        "ANTHROPIC_API_KEY=secret");
  const std::string line = ReadUntil("{");
  const auto json = nlohmann::json::parse(line, nullptr, false);
  ASSERT_TRUE(json.is_object()) << all_;
  EXPECT_THAT(json["address"].get<std::string>(), StartsWith("127.0.0.1:"));
  EXPECT_EQ(json["dataDir"], (root_ / "data").string());
  EXPECT_EQ(json["flows"][0], "claude_chat");
  EXPECT_EQ(json["claude"]["fake"], true);
  const pid_t worker = json["pids"]["anabranch-worker"];
  const pid_t orchestrator = json["pids"]["anabranch-orchestrator"];

  AwaitReady(3);
  ASSERT_EQ(kill(worker, SIGKILL), 0);
  EXPECT_THAT(ReadUntil("killed"), HasSubstr("anabranch-worker (pid"));
  EXPECT_THAT(ReadUntil("again"), HasSubstr("started anabranch-worker again"));
  AwaitReady(4);
  ASSERT_EQ(kill(orchestrator, SIGKILL), 0);
  EXPECT_THAT(ReadUntil("again"),
              HasSubstr("started anabranch-orchestrator again"));
  AwaitReady(5);

  ASSERT_EQ(kill(pid_, SIGINT), 0);
  EXPECT_THAT(ReadUntil("stopping"), HasSubstr("Ctrl-C again"));
  EXPECT_THAT(ReadUntil("stopped"), HasSubstr("stopped"));
  ReadToTheEnd();
  EXPECT_EQ(ExitCode(), 0) << all_;
  // The key reaches nobody but workers, and those not with the fake.
  EXPECT_THAT(Log(), MatchesRegex("anabranch-worker key=fake "
                                  "url=http://127\\.0\\.0\\.1:[0-9]+\n"
                                  "anabranch-orchestrator key=- url=-\n"
                                  "fake_claude key=- url=-\n"));
}

TEST_F(UpTest, PrintsWhereTheKeyComesFrom) {
  Start("--data-dir data", "ANTHROPIC_API_KEY=secret");
  EXPECT_THAT(ReadUntil("claude  "),
              HasSubstr("https://api.anthropic.com, key from "
                        "ANTHROPIC_API_KEY"));
  ReadUntil("Ctrl-C stops.");
  EXPECT_THAT(all_, HasSubstr("  flows     claude_chat\n"));
  EXPECT_EQ(all_.find("secret"), std::string::npos);
  AwaitReady(2);
  kill(pid_, SIGTERM);
  ReadToTheEnd();
  EXPECT_EQ(ExitCode(), 0) << all_;
  EXPECT_THAT(Log(), HasSubstr("anabranch-worker key=secret"));
  EXPECT_THAT(Log(), HasSubstr("anabranch-orchestrator key=-"));
}

TEST_F(UpTest, LeavesNoOrphans) {
  Start("--fake-claude");
  ReadUntil("Ctrl-C stops.");
  AwaitReady(3);
  kill(pid_, SIGKILL);
  ReadToTheEnd();  // ends only when the children have ended
  EXPECT_THAT(Log(), HasSubstr("anabranch-worker "));
  EXPECT_THAT(Log(), HasSubstr("anabranch-orchestrator "));
  EXPECT_THAT(Log(), HasSubstr("fake_claude "));
}

TEST_F(UpTest, WithoutAKeyNamesBothWaysOut) {
  Start("");
  ReadToTheEnd();
  EXPECT_EQ(ExitCode(), 2);
  EXPECT_THAT(all_, HasSubstr("ANTHROPIC_API_KEY"));
  EXPECT_THAT(all_, HasSubstr("anabranch up --fake-claude"));
  EXPECT_THAT(all_, HasSubstr("reason: NO_API_KEY"));
}

TEST_F(UpTest, NamesAProgramThatIsMissing) {
  fs::remove(root_ / "bin" / "anabranch-worker");
  Start("--fake-claude");
  ReadToTheEnd();
  EXPECT_EQ(ExitCode(), 2);
  EXPECT_THAT(all_, HasSubstr("no program anabranch-worker in"));
}

TEST_F(UpTest, StopsWhenTheServerCannotStart) {
  Start("--fake-claude --data-dir refused");
  ReadToTheEnd();
  EXPECT_EQ(ExitCode(), 1);
  EXPECT_THAT(all_, HasSubstr("ended with exit code 7 before it was ready"));
  EXPECT_THAT(Log(), HasSubstr("fake_claude "));
}

}  // namespace
}  // namespace anabranch::cli
