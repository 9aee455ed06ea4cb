#include "orchestrator/filter/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "base/random.h"

namespace anabranch::filter {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

v1::Run ARun() {
  v1::Run run;
  run.set_run_id("trip-7");
  run.set_flow("claude_chat");
  run.set_state(v1::RUN_STATE_FAILED);
  run.mutable_create_time()->set_seconds(1'800'000'000 - 7200);
  run.mutable_close_time()->set_seconds(1'800'000'000 - 60);
  (*run.mutable_labels())["team"] = "search";
  (*run.mutable_labels())["a.b"] = "x*y";
  return run;
}

bool Matches(std::string_view text, const v1::Run& run = ARun()) {
  auto filter = ParseFilter(text);
  EXPECT_TRUE(filter.ok()) << text << ": "
                           << std::string(filter.status().message());
  return filter.ok() && filter->Matches(run, kNow);
}

std::string Problem(std::string_view text) {
  auto filter = ParseFilter(text);
  EXPECT_FALSE(filter.ok()) << text;
  EXPECT_EQ(ErrorReason(filter.status()), "INVALID_FILTER");
  return std::string(filter.status().message());
}

TEST(Filter, ComparesStates) {
  EXPECT_TRUE(Matches("state = FAILED"));
  EXPECT_TRUE(Matches("state=FAILED"));
  EXPECT_TRUE(Matches("state:FAILED"));
  EXPECT_TRUE(Matches("state != RUNNING"));
  EXPECT_FALSE(Matches("state = \"RUNNING\""));
}

TEST(Filter, ComparesTextsWithWildcards) {
  EXPECT_TRUE(Matches("flow = claude_chat"));
  EXPECT_TRUE(Matches("flow = claude*"));
  EXPECT_TRUE(Matches("run_id = \"*-7\""));
  EXPECT_TRUE(Matches("run_id = *"));
  EXPECT_FALSE(Matches("run_id = trip"));
  EXPECT_TRUE(Matches("run_id >= trip-5 run_id < trip-8"));
  EXPECT_TRUE(Matches(R"(labels."a.b" = "x\*y")"));
  EXPECT_FALSE(Matches(R"(labels."a.b" = "x\\*y")"));
  EXPECT_TRUE(Matches("labels.a.b = x*"));
}

TEST(Filter, ComparesLabels) {
  EXPECT_TRUE(Matches("labels.team = search"));
  EXPECT_TRUE(Matches("labels:team"));
  EXPECT_TRUE(Matches("labels.team:*"));
  EXPECT_FALSE(Matches("labels:nope"));
  EXPECT_FALSE(Matches("labels.nope = search"));
  EXPECT_FALSE(Matches("labels.nope < z"));
  EXPECT_TRUE(Matches("labels.nope != search"));
}

TEST(Filter, ComparesTimes) {
  EXPECT_TRUE(Matches("create_time > 2027-01-15T05:00:00Z"));
  EXPECT_TRUE(Matches("create_time = 2027-01-15T07:00:00+01:00"));
  EXPECT_TRUE(Matches("create_time < \"2027-01-16\""));
  EXPECT_FALSE(Matches("create_time < 2027-01-15"));
  EXPECT_TRUE(Matches("close_time:*"));
  v1::Run open;
  EXPECT_FALSE(Matches("close_time < 2030-01-01", open));
  EXPECT_FALSE(Matches("close_time:*", open));
  EXPECT_TRUE(Matches("NOT close_time:*", open));
}

TEST(Filter, CountsTimesBackFromNow) {
  EXPECT_TRUE(Matches("create_time > -3h"));
  EXPECT_FALSE(Matches("create_time > -1h"));
  EXPECT_TRUE(Matches("close_time >= -60s"));
}

TEST(Filter, ComparesFlags) {
  v1::Run run = ARun();
  EXPECT_FALSE(Matches("retrying", run));
  run.set_retrying(true);
  EXPECT_TRUE(Matches("retrying", run));
  EXPECT_TRUE(Matches("retrying = true", run));
  EXPECT_TRUE(Matches("-blocked paused = false", run));
  run.mutable_blocked();
  run.mutable_pause();
  EXPECT_TRUE(Matches("blocked AND paused", run));
}

TEST(Filter, KnowsParents) {
  v1::Run run;
  EXPECT_FALSE(Matches("parent:*", run));
  EXPECT_TRUE(Matches("parent != a", run));
  run.mutable_parent()->set_run_id("a");
  EXPECT_TRUE(Matches("parent:*", run));
  EXPECT_TRUE(Matches("parent = a", run));
}

TEST(Filter, StarMatchesEveryRun) {
  EXPECT_TRUE(Matches("*"));
  EXPECT_TRUE(Matches(" * ", v1::Run()));
  EXPECT_FALSE(Matches("NOT *"));
  EXPECT_FALSE(Matches("* AND state = RUNNING"));
}

TEST(Filter, OrBindsMoreTightlyThanAnd) {
  // (FAILED or RUNNING) and no: not FAILED or (RUNNING and no).
  EXPECT_FALSE(Matches("state = FAILED OR state = RUNNING AND flow = no"));
  EXPECT_TRUE(Matches("state = FAILED OR (state = RUNNING AND flow = no)"));
  EXPECT_FALSE(Matches("state = FAILED flow = no"));
  EXPECT_TRUE(Matches("NOT flow = no OR flow = no"));
  EXPECT_TRUE(Matches("-(state = RUNNING OR flow = no)"));
}

TEST(Filter, ErrorsNameTheColumnAndWhatWasExpected) {
  EXPECT_EQ(Problem("state = FAILED ANDD flow = x"),
            "filter: column 16: expected a field (state, flow, run_id, "
            "labels.KEY, create_time, close_time, retrying, blocked, paused, "
            "parent), found 'ANDD'");
  EXPECT_EQ(Problem("state ="),
            "filter: column 8: expected a value, found the end");
  EXPECT_THAT(Problem("state = DONE"),
              HasSubstr("column 9: expected a state: RUNNING"));
  EXPECT_THAT(Problem("state = CONTINUED_AS_NEW"), HasSubstr("column 9"));
  EXPECT_THAT(Problem("state < FAILED"),
              HasSubstr("column 7: expected '=' or '!='"));
  EXPECT_THAT(Problem("flow"), HasSubstr("expected a comparison (flow = …)"));
  EXPECT_THAT(Problem("(state = FAILED"),
              HasSubstr("column 16: expected AND, OR or ')', found the end"));
  EXPECT_THAT(Problem("state = FAILED)"),
              HasSubstr("column 15: expected AND, OR or the end"));
  EXPECT_THAT(Problem("AND state = FAILED"),
              HasSubstr("column 1: expected a field"));
  EXPECT_THAT(Problem("state = FAILED OR"), HasSubstr("column 18"));
  EXPECT_THAT(Problem("create_time > yesterday"),
              HasSubstr("column 15: expected a time (2026-11-28T10:00:00Z"));
  EXPECT_THAT(Problem("create_time > 1h"), HasSubstr("how long ago (-1h30m)"));
  EXPECT_THAT(Problem("create_time < infinite-future"), HasSubstr("a time"));
  EXPECT_THAT(Problem("retrying = maybe"), HasSubstr("true or false"));
  EXPECT_THAT(Problem("labels = x"), HasSubstr("labels.KEY = VALUE"));
  EXPECT_THAT(Problem("state.x = FAILED"), HasSubstr("state has no fields"));
  EXPECT_THAT(Problem("flow = \"x"), HasSubstr("column 8: this quote is not"));
  EXPECT_THAT(Problem(R"(flow = "\n")"), HasSubstr("after the backslash"));
  EXPECT_THAT(Problem("flow ! x"), HasSubstr("column 6: the character '!'"));
  EXPECT_THAT(Problem("flow = ü AND x"), HasSubstr("column 14"));
}

TEST(Filter, EmptyFiltersAreRefused) {
  EXPECT_THAT(Problem(""), HasSubstr("'*' matches every run"));
  EXPECT_THAT(Problem("  "), HasSubstr("'*' matches every run"));
}

TEST(Filter, HasBounds) {
  std::string deep(limits::kFilterDepthMax, '(');
  std::string end(limits::kFilterDepthMax, ')');
  EXPECT_TRUE(Matches(deep + "*" + end));
  EXPECT_THAT(Problem("(" + deep + "*" + end + ")"),
              HasSubstr("deeper than 32 levels"));
  EXPECT_THAT(Problem(std::string(limits::kFilterBytesMax + 1, 'x')),
              HasSubstr("the limit is 4096"));
}

TEST(Filter, AnyTextIsAFilterOrAnError) {
  constexpr std::string_view kPieces[] = {"state",    "FAILED",
                                          "=",        ":",
                                          "(",        ")",
                                          "-",        "NOT",
                                          " AND ",    " OR ",
                                          "*",        "\"",
                                          "'",        "\\",
                                          ".",        "labels",
                                          "retrying", "<=",
                                          "!",        ",",
                                          "\xff",     "ü",
                                          "-1h",      "create_time",
                                          " ",        "2026-11-28T10:00:00Z"};
  SeededRandom random(7);
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (uint64_t n = random.Next() % 12; n > 0; --n) {
      text += kPieces[random.Next() % std::size(kPieces)];
    }
    auto filter = ParseFilter(text);
    if (filter.ok()) {
      ++good;
      filter->Matches(ARun(), kNow);
    } else {
      EXPECT_EQ(ErrorReason(filter.status()), "INVALID_FILTER") << text;
    }
  }
  EXPECT_GT(good, 100);
}

TEST(Pattern, StarsMatchAnything) {
  EXPECT_TRUE(MatchesPattern("*", ""));
  EXPECT_TRUE(MatchesPattern("a*c*e", "abcde"));
  EXPECT_TRUE(MatchesPattern("*ab", "aab"));
  EXPECT_FALSE(MatchesPattern("a*b", "abc"));
  EXPECT_TRUE(MatchesPattern(R"(\*)", "*"));
  EXPECT_FALSE(MatchesPattern(R"(\*)", "x"));
  EXPECT_TRUE(MatchesPattern(R"(\\)", "\\"));
  EXPECT_TRUE(MatchesPattern("", ""));
  EXPECT_FALSE(MatchesPattern("", "a"));
}

}  // namespace
}  // namespace anabranch::filter
