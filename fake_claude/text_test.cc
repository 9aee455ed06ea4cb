#include "fake_claude/text.h"

#include <string>

#include "fake_claude/ledger.h"
#include "fake_claude/rules.h"
#include "gtest/gtest.h"

namespace anabranch::fake_claude {
namespace {

TEST(Text, EscapingPiecesIsEscapingTheWhole) {
  const std::string text =
      "naïve café \"quoted\"\n\tback\\slash \u2028 青い 🍃 "
      "supercalifragilistic";
  std::string joined;
  std::string escaped;
  for (const std::string_view token : Tokens(text)) {
    joined += token;
    escaped += EscapedText(token);
  }
  EXPECT_EQ(joined, text);
  EXPECT_EQ(escaped, EscapedText(text));
  EXPECT_NE(escaped.find("\\u2028"), std::string::npos);
}

TEST(Text, Base64RoundTrip) {
  for (const std::string bytes : {"a", "ab", "abc", "abcd"}) {
    std::string back;
    ASSERT_TRUE(FromBase64(Base64(bytes), &back));
    EXPECT_EQ(back, bytes);
  }
  std::string back;
  EXPECT_FALSE(FromBase64("not base64!", &back));
  EXPECT_FALSE(FromBase64("", &back));
}

TEST(Text, SnippetKeepsCharactersWhole) {
  EXPECT_EQ(Snippet("one\n two", 20), "one two");
  EXPECT_EQ(Snippet("åäö", 2), "åä…");
}

TEST(Text, Globs) {
  EXPECT_TRUE(GlobMatches("claude-haiku*", "claude-haiku-5-5"));
  EXPECT_TRUE(GlobMatches("*5-5", "claude-haiku-5-5"));
  EXPECT_FALSE(GlobMatches("claude-haiku", "claude-haiku-5-5"));
  EXPECT_TRUE(GlobMatches("*", ""));
}

TEST(TaskHeader, IsParsedOrNothing) {
  const auto task =
      ParseTaskHeader("uid=0123456789abcdef seq=12 attempt=3 session=abc");
  ASSERT_TRUE(task.has_value());
  EXPECT_EQ(task->seq, 12u);
  EXPECT_EQ(task->session, "abc");
  EXPECT_FALSE(ParseTaskHeader("").has_value());
  EXPECT_FALSE(ParseTaskHeader("uid=1 seq=x attempt=1").has_value());
}

TEST(Rules, FaultFlag) {
  const auto rule =
      ParseFaultFlag("kind=cut,after=3,model=claude-haiku*,times=2");
  ASSERT_TRUE(rule.ok()) << rule.status();
  EXPECT_EQ(rule->fault->kind, FaultKind::kCut);
  EXPECT_EQ(rule->fault->after, 3);
  EXPECT_EQ(rule->times, 2);
  EXPECT_EQ(rule->match.model, "claude-haiku*");
  EXPECT_FALSE(ParseFaultFlag("cut").ok());
  EXPECT_FALSE(ParseFaultFlag("kind=cut,unknown=1").ok());
}

TEST(Rules, EveryAndTimesCountMatchingCalls) {
  Rule rule;
  rule.match.every = 2;
  rule.times = 2;
  std::string applied;
  for (int i = 0; i < 8; ++i) applied += Applies(rule, {}) ? 'x' : '.';
  EXPECT_EQ(applied, ".x.x....");
}

TEST(Rules, ScriptNamesThePathOfAMistake) {
  const auto script = ParseScript(Json::parse(
      R"({"answers":[{"answer":{"text":"a"}},{"answer":{"txt":"b"}}]})"));
  ASSERT_FALSE(script.ok());
  EXPECT_TRUE(std::string(script.status().message())
                  .starts_with("answers[1].answer: unknown member \"txt\""));
}

}  // namespace
}  // namespace anabranch::fake_claude
