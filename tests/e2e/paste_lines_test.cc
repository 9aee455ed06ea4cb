// The lines that the demo ends with, each as it stands.
#include "tests/e2e/paste_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/await.h"
#include "tests/support/cluster.h"
#include "tests/support/process.h"
#include "tests/support/temp_folder.h"

namespace anabranch::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A folder that looks like the top of the source tree after ./dev build.
class PasteLines : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = support::TempFolder::Create();
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_.emplace(*std::move(folder));
    const auto programs = support::FindPrograms();
    ASSERT_TRUE(programs.ok()) << programs.status();
    Link(programs->anabranch, "bin/anabranch");
    Link(programs->orchestrator, "bin/anabranch-orchestrator");
    Link(programs->worker, "bin/anabranch-worker");
    Link(programs->fake_claude, "bin/fake_claude");
    Link(fs::absolute("tests").string(), "tests");
    const char* buf = std::getenv("ANABRANCH_BUF");
    ASSERT_NE(buf, nullptr) << "ANABRANCH_BUF must name buf; ./dev test does";
    ASSERT_THAT(buf, ::testing::EndsWith("/.cache/buf-1.75.0/buf"));
    ASSERT_TRUE(fs::exists(buf)) << buf;
    Link(buf, ".cache/buf-1.75.0/buf");
    auto port = support::ReservedPort::Create();
    ASSERT_TRUE(port.ok()) << port.status();
    port_.emplace(*std::move(port));
  }

  void Link(const std::string& target, const std::string& name) {
    const fs::path link = folder_->File(name);
    fs::create_directories(link.parent_path());
    fs::create_symlink(target, link);
  }

  support::ProcessOptions Shell(const std::string& line) {
    return {.program = "/bin/sh",
            .arguments = {"-c", "cd \"$0\" && exec " + line, folder_->path()},
            .environment = {{"ANABRANCH_ADDRESS", port_->Address()}},
            .unset = {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"}};
  }

  // What the line prints; it must end well.
  std::string Output(const std::string& line) {
    const auto run = support::RunProcess(Shell(line), support::kPatience);
    EXPECT_TRUE(run.ok()) << line << ": " << run.status();
    if (!run.ok()) return "";
    EXPECT_EQ(run->end.exit_code, 0) << line << "\n" << run->out;
    return run->out;
  }

  std::optional<support::TempFolder> folder_;
  std::optional<support::ReservedPort> port_;
};

TEST_F(PasteLines, WorkAsTheyStand) {
  const std::vector<std::string> lines = e2e::PasteLines(port_->Address());
  ASSERT_EQ(lines.size(), 5u);
  const auto up = support::Process::Start(Shell(lines[0]));
  ASSERT_TRUE(up.ok()) << up.status();
  const auto client = client::Client::Connect(
      {.address = port_->Address(), .connect_patience = support::kPatience});
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE(support::Await([&] {
    const auto workers = (*client)->ListWorkers();
    return workers.ok() && workers->workers_size() == 1;
  }));
  EXPECT_THAT(Output(lines[1]), HasSubstr("Say hi"));
  EXPECT_THAT(Output(lines[2]),
              HasSubstr("11111111-1111-4111-8111-111111111111"));
  EXPECT_THAT(Output(lines[3]), HasSubstr("original"));
  EXPECT_THAT(Output(lines[4]), HasSubstr("\"RUN_STATE_COMPLETED\""));
  (*up)->Kill(SIGINT);
  const auto end = (*up)->Wait(support::kPatience);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->exit_code, 0);
}

}  // namespace
}  // namespace anabranch::e2e
