#include "orchestrator/log/crash_at.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "orchestrator/log/memory_event_log.h"

namespace anabranch::log {
namespace {

using ::testing::ElementsAre;

TEST(CrashSpec, ParsesNumberAndPlace) {
  EXPECT_EQ(CrashSpec::Parse("1:before")->append, 1);
  EXPECT_EQ(CrashSpec::Parse("1:before")->place, CrashSpec::Place::kBefore);
  EXPECT_EQ(CrashSpec::Parse("27:after-sync")->append, 27);
  EXPECT_EQ(CrashSpec::Parse("2:after-sync")->place,
            CrashSpec::Place::kAfterSync);
  EXPECT_EQ(CrashSpec::Parse("2:after-effects")->place,
            CrashSpec::Place::kAfterEffects);
}

TEST(CrashSpec, RefusesAnythingElse) {
  for (const char* text : {"", ":", "1", "0:before", "-1:before", "x:before",
                           "1:", "1:later", "1 :before", "1:before "}) {
    EXPECT_EQ(CrashSpec::Parse(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

// What happened, in order, when two batches follow the opening.
std::vector<std::string> Happenings(const char* spec) {
  std::vector<std::string> happened;
  CrashPoint point(CrashSpec::Parse(spec).value(),
                   [&] { happened.emplace_back("crash"); });
  point.BeforeAppend();
  point.AfterSync();
  point.EffectsReleased();
  happened.emplace_back("open");
  CrashingEventLog log(std::make_unique<MemoryEventLog>(), point);
  for (int64_t position : {0, 1}) {
    AppendRequest request;
    request.lease_epoch = 1;
    request.expected_position = position;
    log.Append(std::move(request),
               [&](AppendResult) { happened.emplace_back("durable"); });
    log.EffectsReleased();
    happened.emplace_back("released");
  }
  return happened;
}

TEST(CrashingEventLog, CrashesAtItsPlace) {
  EXPECT_THAT(Happenings("9:before"), ElementsAre("open", "durable", "released",
                                                  "durable", "released"));
  EXPECT_EQ(Happenings("1:before").at(0), "crash");
  EXPECT_EQ(Happenings("1:after-sync").at(0), "crash");
  EXPECT_EQ(Happenings("1:after-effects").at(0), "crash");
  EXPECT_THAT(Happenings("2:before"),
              ElementsAre("open", "crash", "durable", "released", "durable",
                          "released"));
  EXPECT_THAT(Happenings("3:after-sync"),
              ElementsAre("open", "durable", "released", "crash", "durable",
                          "released"));
  EXPECT_THAT(Happenings("3:after-effects"),
              ElementsAre("open", "durable", "released", "durable", "crash",
                          "released"));
}

TEST(CrashingEventLog, AFailedAppendIsNotAfterSync) {
  bool crashed = false;
  CrashPoint point(CrashSpec::Parse("1:after-sync").value(),
                   [&] { crashed = true; });
  auto memory = std::make_unique<MemoryEventLog>();
  memory->FailNextAppend(AppendResult::kUnknown);
  CrashingEventLog log(std::move(memory), point);
  AppendResult result = AppendResult::kDurable;
  log.Append({}, [&](AppendResult r) { result = r; });
  EXPECT_EQ(result, AppendResult::kUnknown);
  EXPECT_FALSE(crashed);
}

TEST(CrashPoint, KillsWithoutAnyHandler) {
  pid_t child = fork();
  if (child == 0) {
    CrashPoint point(CrashSpec::Parse("1:before").value());
    point.BeforeAppend();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

}  // namespace
}  // namespace anabranch::log
