#include "client/cli/fork_request.h"

#include <map>
#include <string>

#include "client/lib/error_details.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::optional<std::string> Variable(const char* name) {
  static const auto* const kVariables = new std::map<std::string, std::string>{
      {"MODEL", "claude-opus-5-5"}, {"EMPTY", ""}, {"TURNS", "3"}};
  const auto found = kVariables->find(name);
  if (found == kVariables->end()) return std::nullopt;
  return found->second;
}

TEST(ExpandVariables, ReplacesAndDefaults) {
  EXPECT_EQ(ExpandVariables("a ${MODEL} b", Variable), "a claude-opus-5-5 b");
  EXPECT_EQ(ExpandVariables("${NONE:-x} ${EMPTY:-y} ${EMPTY}", Variable),
            "x y ");
  EXPECT_EQ(ExpandVariables("${NONE} $MODEL ${", Variable),
            "${NONE} $MODEL ${");
  EXPECT_EQ(ExpandVariables("${NONE:-}${MODEL:-z}", Variable),
            "claude-opus-5-5");
}

TEST(ParseForkConfig, ReadsEverything) {
  const auto request = ParseForkConfig("fork.yaml", R"(
conversation: abc
fork_at_step: 3
leaf: l
branches:
  - name: opus
    model: ${MODEL}
    max_turns: ${TURNS}
  - name: talk
    inject_message: [one, "two: ${NONE}"]
    system_prompt: ""
    max_tokens: 100
    timeout_seconds: 5
  - replace_message: |
      several
      lines
    inject_message: one
settings:
  max_turns: 7
  timeout_seconds: 60
  save_results: false
  output_dir: ${OUT:-out}
)",
                                       Variable);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->output_dir, "out");
  EXPECT_FALSE(request->save_results);
  EXPECT_EQ(ForkInput(*request, "id"),
            R"({"conversation":"id","fork_at_step":3,"leaf":"l","branches":[)"
            R"({"name":"opus","model":"claude-opus-5-5","max_turns":3},)"
            R"({"name":"talk","inject_message":["one","two: ${NONE}"],)"
            R"("system_prompt":"","max_tokens":100,"timeout_seconds":5},)"
            R"({"name":"branch-3","inject_message":"one",)"
            R"("replace_message":"several\nlines\n"}],)"
            R"("settings":{"max_turns":7,"timeout_seconds":60}})");
}

TEST(ParseForkConfig, NamesEveryFieldAtFault) {
  const auto request = ParseForkConfig("fork.yaml", R"(
branch: x
fork_at_step: zero
branches:
  - name: a
    modle: b
  - name: a
    max_turns: -1
    inject_message: [[x]]
  - text
settings:
  save_results: maybe
)",
                                       Variable);
  ASSERT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
  const auto details = client::DetailsOf(request.status());
  EXPECT_EQ(details.reason, "INVALID_CONFIG");
  std::vector<std::string> fields;
  for (const auto& violation : details.field_violations) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(
      fields,
      ElementsAre("branch", "fork_at_step", "branches[0].modle",
                  "branches[1].max_turns", "branches[1].inject_message[0]",
                  "branches[2]", "settings.save_results", "branches[1].name"));
  EXPECT_THAT(details.field_violations[2].description, HasSubstr("known are"));
}

TEST(ParseForkConfig, RefusesWhatIsNoYamlOrNoMapping) {
  const auto broken = ParseForkConfig("fork.yaml", "a: [", Variable);
  EXPECT_THAT(std::string(broken.status().message()),
              HasSubstr("fork.yaml is no YAML"));
  EXPECT_FALSE(ParseForkConfig("fork.yaml", "- a", Variable).ok());
  EXPECT_FALSE(ParseForkConfig("fork.yaml", "", Variable).ok());
  EXPECT_FALSE(ParseForkConfig("f", "branches: 1", Variable).ok());
  EXPECT_FALSE(ParseForkConfig("f", "settings: 1", Variable).ok());
}

TEST(AddBranch, GivesNamesThatTheServerTakes) {
  ForkRequest request;
  EXPECT_EQ(AddBranch(request, "claude-opus-5-5").name, "claude-opus-5-5");
  EXPECT_EQ(AddBranch(request, "claude-opus-5-5").name, "claude-opus-5-5-2");
  EXPECT_EQ(AddBranch(request, "us.anthropic/opus:1").name,
            "us.anthropic-opus-1");
  EXPECT_EQ(AddBranch(request, "original").name, "original-2");
  EXPECT_EQ(AddBranch(request, "").name, "branch");
  EXPECT_THAT(AddBranch(request, std::string(100, 'x')).name, SizeIs(60));
}

}  // namespace
}  // namespace anabranch::cli
