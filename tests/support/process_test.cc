#include "tests/support/process.h"

#include "gtest/gtest.h"

namespace anabranch::support {
namespace {

constexpr absl::Duration kLong = absl::Seconds(50);

TEST(Process, GivesLinesOutputAndExitCode) {
  const auto process =
      Process::Start({.program = "/bin/sh",
                      .arguments = {"-c",
                                    "read x; echo got $x; printf rest;"
                                    "exit 3"},
                      .input = "this\n"});
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ((*process)->ReadLine(kLong).value_or("none"), "got this");
  EXPECT_EQ((*process)->ReadRest(kLong).value_or("none"), "rest");
  EXPECT_EQ((*process)->ReadLine(kLong).status().code(),
            absl::StatusCode::kOutOfRange);
  const auto end = (*process)->Wait(kLong);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->exit_code, 3);
}

TEST(Process, TellsWhichSignalEndedIt) {
  const auto process =
      Process::Start({.program = "/bin/sleep", .arguments = {"1000"}});
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ((*process)->Wait(absl::ZeroDuration()).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  (*process)->KillAndWait();
  const auto end = (*process)->Wait(kLong);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->signal, SIGKILL);
}

TEST(Process, SetsAndLeavesOutVariables) {
  const auto run = RunProcess({.program = "/usr/bin/env",
                               .environment = {{"GIVEN", "1"}},
                               .unset = {"PATH"}},
                              kLong);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_NE(run->out.find("GIVEN=1\n"), std::string::npos);
  EXPECT_EQ(run->out.find("\nPATH="), std::string::npos);
}

TEST(Process, IsNotFoundWithoutProgram) {
  EXPECT_EQ(Process::Start({.program = "/nowhere"}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anabranch::support
