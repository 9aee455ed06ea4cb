// The demo as ./dev demo --json runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace anabranch::e2e {
namespace {

using Json = nlohmann::json;

std::string LastLine(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

int64_t Number(const Json& json, const char* key) {
  const auto member = json.find(key);
  if (member == json.end() || !member->is_number_integer()) {
    ADD_FAILURE() << key << " is not there or no number";
    return -1;
  }
  return member->get<int64_t>();
}

TEST(Demo, ProvesThatNothingRecordedIsRepeated) {
  const auto run =
      support::RunProcess({.program = support::BuiltProgram("tests/e2e/demo"),
                           .arguments = {"--json"}},
                          absl::Minutes(4));
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->end.exit_code, 0);
  const Json json = Json::parse(LastLine(run->out), nullptr, false);
  ASSERT_TRUE(json.is_object()) << run->out;
  SCOPED_TRACE(json.dump(2));
  EXPECT_EQ(json.value("ok", false), true);
  ASSERT_EQ(json.at("branches").size(), 4u);
  for (const Json& branch : json.at("branches")) {
    EXPECT_NE(branch.at("name").get<std::string>(), "");
    EXPECT_EQ(branch.at("state").get<std::string>(), "COMPLETED");
  }
  EXPECT_GE(Number(json, "orchestrator_kills"), 1);
  EXPECT_GE(Number(json, "worker_kills"), 1);
  EXPECT_GE(Number(json, "in_flight_at_orchestrator_kill"), 2);
  EXPECT_GE(Number(json, "in_flight_at_worker_kill"), 1);
  EXPECT_GE(Number(json, "turns_recorded_before_kill"), 1);
  EXPECT_GT(Number(json, "worker_death_noticed_ms"), 0);
  EXPECT_EQ(Number(json, "calls_recorded"), 8);
  EXPECT_EQ(Number(json, "ledger_finished"), 8);
  EXPECT_EQ(Number(json, "repeated_after_orchestrator_kill"), 0);
  EXPECT_GE(Number(json, "repeated_after_worker_kill"), 1);
  EXPECT_EQ(Number(json, "ledger_begun"),
            Number(json, "calls_recorded") +
                Number(json, "repeated_after_worker_kill"));
  ASSERT_TRUE(json.at("recovery_ms").is_array());
  EXPECT_EQ(json.at("recovery_ms").size(), 2u);
}

TEST(Demo, SaysWhatIsMissing) {
  const auto run =
      support::RunProcess({.program = support::BuiltProgram("tests/e2e/demo"),
                           .arguments = {"--json", "--bin-dir", "/nowhere"}},
                          absl::Minutes(1));
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(run->end.exit_code, 1);
  const Json json = Json::parse(LastLine(run->out), nullptr, false);
  ASSERT_TRUE(json.is_object()) << run->out;
  EXPECT_EQ(json.value("ok", true), false);
  EXPECT_THAT(json.value("error", ""), ::testing::HasSubstr("/nowhere"));
}

}  // namespace
}  // namespace anabranch::e2e
