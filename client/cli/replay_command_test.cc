#include <filesystem>
#include <fstream>
#include <string>

#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Over the real anabranch-replay and its flows.
class ReplayTest : public CliTest {
 protected:
  ReplayTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / info->name();
    fs::create_directories(folder_);
  }

  int Replay(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"replay", "--bin-dir", "orchestrator"});
    return Run(std::move(arguments));
  }

  std::string File(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  fs::path folder_;
};

constexpr char kStarted[] =
    R"({"eventId":"1","runStarted":{"namespace":"default","runId":"r",)"
    R"("flow":"echo","input":{"json":1}}})";

// A run of the flow echo that has scheduled `activity`.
std::string Saved(const std::string& activity) {
  return std::string(R"({"events":[)") + kStarted +
         R"(,{"eventId":"2","activation":"1","activityScheduled":{"seq":"1",)"
         R"("activityType":")" +
         activity + "\"}}]}\n";
}

TEST_F(ReplayTest, AFileThatMatchesIsZero) {
  EXPECT_EQ(Replay({File("r.jsonl", Saved("echo"))}), 0) << err;
  EXPECT_THAT(out, HasSubstr("OK  default/r  flow echo  2 events\n"));
  EXPECT_THAT(out, HasSubstr("1 replayed against build "));
}

TEST_F(ReplayTest, AMismatchIsOneWithItsReport) {
  EXPECT_EQ(
      Replay({File("a.jsonl", Saved("echo")), File("b.jsonl", Saved("shout"))}),
      1);
  EXPECT_THAT(out, HasSubstr("MISMATCH  default/r"));
  EXPECT_THAT(out, HasSubstr("SCHEDULE_ACTIVITY seq=1 name=shout"));
  EXPECT_EQ(Replay({"--json", File("b.jsonl", Saved("shout"))}), 1);
  EXPECT_THAT(out, HasSubstr(R"("verdict":"MISMATCH")"));
}

TEST_F(ReplayTest, AFileThatCannotBeReadIsTwo) {
  EXPECT_EQ(Replay({File("bad.jsonl", "\nhello")}), 2);
  EXPECT_EQ(Replay({(folder_ / "none.jsonl").string()}), 2);
  EXPECT_THAT(err, HasSubstr("There is no file "));
}

TEST_F(ReplayTest, ARunIsFetchedWithItsContent) {
  v1::GetHistoryResponse page;
  v1::HistoryEvent& started = *page.add_events();
  started.set_event_id(1);
  started.mutable_run_started()->set_namespace_("default");
  started.mutable_run_started()->set_run_id("r");
  started.mutable_run_started()->set_flow("sleep");
  const std::string input = R"({"seconds":3})";
  // Its SHA-256.
  const std::string hash =
      "785592697ab4149bc8e47f3d89c18352e8569b1e3e0056bce52e5848a3d9df6a";
  auto& ref = *started.mutable_run_started()->mutable_input()->mutable_ref();
  ref.set_sha256(hash);
  ref.set_size_bytes(static_cast<int64_t>(input.size()));
  ref.set_encoding(v1::PAYLOAD_ENCODING_JSON);
  v1::HistoryEvent& timer = *page.add_events();
  timer.set_event_id(2);
  timer.set_activation(1);
  timer.mutable_timer_started()->set_seq(1);
  canned.history = {page};
  canned.payloads[hash] = input;
  canned.runs["r"].set_generation(1);
  EXPECT_EQ(Replay({"r"}), 0) << out << err;
  EXPECT_THAT(out, HasSubstr("OK  default/r  flow sleep  2 events\n"));
}

TEST_F(ReplayTest, AllGenerationsOfARunAreReplayedUnlessOneIsNamed) {
  v1::GetHistoryResponse page;
  v1::HistoryEvent& started = *page.add_events();
  started.set_event_id(1);
  started.mutable_run_started()->set_namespace_("default");
  started.mutable_run_started()->set_run_id("r");
  started.mutable_run_started()->set_flow("echo");
  started.mutable_run_started()->mutable_input()->set_text("x");
  v1::HistoryEvent& scheduled = *page.add_events();
  scheduled.set_event_id(2);
  scheduled.set_activation(1);
  scheduled.mutable_activity_scheduled()->set_seq(1);
  scheduled.mutable_activity_scheduled()->set_activity_type("echo");
  canned.history = {page};
  canned.runs["r"].set_generation(3);
  EXPECT_EQ(Replay({"r"}), 0) << out << err;
  EXPECT_THAT(out, HasSubstr("OK  default/r  flow echo"));
  EXPECT_THAT(out, HasSubstr("OK  default/r generation 3  flow echo"));
  EXPECT_THAT(out, HasSubstr("3 replayed against build "));
  EXPECT_EQ(Replay({"r", "--generation", "2"}), 0) << out << err;
  EXPECT_THAT(out, HasSubstr("1 replayed against build "));
  ASSERT_EQ(canned.histories.size(), 4u);
  EXPECT_EQ(canned.histories[2].generation(), 3);
  EXPECT_EQ(canned.histories[3].generation(), 2);
}

}  // namespace
}  // namespace anabranch::testing
