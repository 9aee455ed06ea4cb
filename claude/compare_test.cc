#include "claude/compare.h"

#include <string>

#include "claude/json.h"
#include "claude/text_difference.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Place(const std::vector<std::string>& a,
                  const std::vector<std::string>& b) {
  const auto at = FirstDifference(a, b);
  if (!at) return "same";
  return std::to_string(at->turn) + ":" + std::to_string(at->line) + ":" +
         std::to_string(at->column) + "@" + std::to_string(at->offset);
}

TEST(FirstDifference, CountsTurnsLinesAndCharacters) {
  EXPECT_EQ(Place({"abc"}, {"abc"}), "same");
  EXPECT_EQ(Place({"abc"}, {"abx"}), "1:1:3@2");
  EXPECT_EQ(Place({"abc"}, {"ab"}), "1:1:3@2");
  EXPECT_EQ(Place({"a", "x\ny\xC3\xA9z"}, {"a", "x\ny\xC3\xA9w"}), "2:2:3@4");
  EXPECT_EQ(Place({"a", "b"}, {"a"}), "2:1:1@0");
  EXPECT_EQ(Place({"\xC3\xA9"}, {"\xC3\xA8"}), "1:1:1@0");
  EXPECT_EQ(Place({"q\xE2\x82\xAC"}, {"q\xE2\x82\xAD"}), "1:1:2@1");
  EXPECT_EQ(Place({"q\xC3\xA9"}, {"q"}), "1:1:2@1");
}

constexpr char kOriginal[] =
    R"({"state":"COMPLETED","model":"m0","stop_reason":"end_turn",)"
    R"("duration_ms":100,"turns":1,"usage":{"input_tokens":1000,)"
    R"("output_tokens":500},"texts":["Hello there"],"text":"Hello there"})";

constexpr char kBranches[] =
    R"([{"name":"a","state":"COMPLETED","model":"m1","stop_reason":"end_turn",)"
    R"("duration_ms":10,"turns":1,"usage":{"input_tokens":10,)"
    R"("output_tokens":2,"cache_read_input_tokens":3,)"
    R"("cache_creation_input_tokens":4},"texts":["Hello world"],)"
    R"("text":"Hello world"},)"
    R"({"name":"b","state":"COMPLETED","model":"m2","stop_reason":"end_turn",)"
    R"("duration_ms":21,"turns":2,"usage":{"input_tokens":20,)"
    R"("output_tokens":5},"texts":["Hello world","``` | x"],)"
    R"("text":"``` | x"},)"
    R"({"name":"c","state":"FAILED","model":"m3","stop_reason":"",)"
    R"("duration_ms":5,"turns":0,"usage":{},"texts":[],"text":"",)"
    R"("failure":{"type":"not_found_error","message":"model: m3"}}])";

TEST(CompareBranches, LaysTheOriginalFirst) {
  const auto comparison = CompareBranches(kBranches, kOriginal);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  const auto object = JsonObject::Parse(*comparison);
  ASSERT_TRUE(object.ok());
  const auto columns = JsonElements(object->Get("branches"));
  ASSERT_TRUE(columns.ok());
  ASSERT_EQ(columns->size(), 4u);
  EXPECT_EQ(
      (*columns)[0],
      R"({"name":"original","no_cost":true,"state":"COMPLETED","model":"m0",)"
      R"("stop_reason":"end_turn","duration_ms":100,"turns":1,"tokens":)"
      R"({"input":1000,"output":500,"cache_read":0,"cache_creation":0},)"
      R"("text":"Hello there","texts":["Hello there"],"failure":null,)"
      R"("first_difference":{"turn":1,"line":1,"column":7,"offset":6,)"
      R"("from":["a","b"]},"differences":[{"from":"a","turn":1,"line":1,)"
      R"("column":7,"offset":6},{"from":"b","turn":1,"line":1,"column":7,)"
      R"("offset":6}]})");
  EXPECT_THAT(
      std::string((*columns)[1]),
      HasSubstr(R"("first_difference":{"turn":1,"line":1,"column":7,)"
                R"("offset":6,"from":["original"]},"differences":)"
                R"([{"from":"original","turn":1,"line":1,"column":7,)"
                R"("offset":6},{"from":"b","turn":2,"line":1,"column":1,)"
                R"("offset":0}])"));
  EXPECT_THAT(std::string((*columns)[3]),
              HasSubstr(R"("failure":{"type":"not_found_error","message":)"
                        R"("model: m3"},"first_difference":null,)"
                        R"("differences":[])"));
}

TEST(CompareBranches, AveragesTheSuccessfulBranches) {
  const auto comparison = CompareBranches(kBranches, kOriginal);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_THAT(
      *comparison,
      HasSubstr(R"("total":3,"completed":2,"failed":1,"averages":)"
                R"({"duration_ms":15.5,"turns":1.5,"tokens":{"input":15,)"
                R"("output":3.5,"cache_read":1.5,"cache_creation":2}})"));
}

TEST(CompareBranches, ManagesWithoutOriginalAndSuccess) {
  const auto comparison =
      CompareBranches(R"([{"name":"c","state":"TIMED_OUT"}])", "null");
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_THAT(*comparison, HasSubstr(R"("averages":null)"));
  EXPECT_THAT(*comparison, Not(HasSubstr("original")));
}

TEST(CompareBranches, HandsOnWhatABranchRemarks) {
  const auto comparison = CompareBranches(
      R"([{"name":"c","state":"COMPLETED","note":"1 message was not sent"}])",
      "");
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  EXPECT_THAT(*comparison, HasSubstr(R"("note":"1 message was not sent")"));
  const auto page = ComparisonToMarkdown(*comparison);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(*page, HasSubstr("| note | 1 message was not sent |"));
}

TEST(CompareBranches, NamesTheFieldAtFault) {
  const auto error = [](const char* branches, const char* original) {
    return CompareBranches(branches, original).status().ToString();
  };
  EXPECT_THAT(error("{}", ""), HasSubstr("branches"));
  EXPECT_THAT(error(R"([{"state":"COMPLETED"}])", ""),
              HasSubstr("branches[0].name"));
  EXPECT_THAT(error(R"([{"name":"a","state":"WELL"}])", kOriginal),
              HasSubstr("branches[0].state"));
  EXPECT_THAT(error(R"([{"name":"a","state":"COMPLETED","texts":[1]}])", ""),
              HasSubstr("branches[0].texts"));
  EXPECT_THAT(error("[]", "[]"), HasSubstr("original"));
}

TEST(ComparisonToMarkdown, IsATableAndTheTexts) {
  const auto comparison = CompareBranches(kBranches, kOriginal);
  ASSERT_TRUE(comparison.ok()) << comparison.status();
  const auto page = ComparisonToMarkdown(*comparison);
  ASSERT_TRUE(page.ok()) << page.status();
  for (const char* part :
       {"|  | original | a | b | c |\n|---|---|---|---|---|\n",
        "| state | COMPLETED | COMPLETED | COMPLETED | FAILED |\n",
        "| output tokens | 500 | 2 | 5 | 0 |\n", "| cost | none |  |  |  |\n",
        "| failure |  |  |  | not_found_error: model: m3 |\n",
        "turn 1, line 1, column 7 from original |",
        "2 of 3 branches completed. On average 15.5 ms, 1.5 turns, 15 input",
        "\n## c\n\nNo text.\n", "\nTurn 2\n\n````text\n``` | x\n````\n"}) {
    EXPECT_THAT(*page, HasSubstr(part));
  }
  EXPECT_FALSE(ComparisonToMarkdown("[]").ok());
}

}  // namespace
}  // namespace anabranch::claude
