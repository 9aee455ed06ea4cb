#include "claude/request.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Build(std::string_view turn, std::string_view checkpoint = "") {
  const auto body = BuildRequestBody(turn, checkpoint);
  return body.ok() ? *body : body.status().ToString();
}

constexpr std::string_view kCheckpoint =
    R"({"conversation":"c","step":3,"last":"prompt","messages":[)"
    R"({"role":"user","content":"one"},)"
    R"({"role":"assistant","content":[{"type":"text","text":"\ud83d"}]},)"
    R"({"role":"user","content":[{"type":"text","text":"two"}]}],)"
    R"("system":[{"type":"text","text":"sys"}],"tools":[{"name":"Bash"}],)"
    R"("default_model":"m0","original":{}})";

TEST(BuildRequestBody, SendsATurnOfItsOwn) {
  EXPECT_EQ(Build(R"({"model":"m","max_tokens":10,"messages":[)"
                  R"({"role":"user","content":"a\u00e9\ud83d"}]})"),
            R"({"model":"m","max_tokens":10,"stream":true,"messages":[)"
            R"({"role":"user","content":"a\u00e9\ud83d"}]})");
}

TEST(BuildRequestBody, StartsFromTheCheckpoint) {
  EXPECT_EQ(
      Build("{}", kCheckpoint),
      R"({"model":"m0","max_tokens":4096,"stream":true,)"
      R"("system":[{"type":"text","text":"sys"}],"tools":[{"name":"Bash"}],)"
      R"("tool_choice":{"type":"none"},"messages":[)"
      R"({"role":"user","content":"one"},)"
      R"({"role":"assistant","content":[{"type":"text","text":"\ud83d"}]},)"
      R"({"role":"user","content":[{"type":"text","text":"two"}]}]})");
}

TEST(BuildRequestBody, OverridesTheCheckpoint) {
  const std::string body = Build(
      R"({"model":"m1","system":"S","tools":[],"stream":false})", kCheckpoint);
  EXPECT_THAT(body, HasSubstr(R"("model":"m1")"));
  EXPECT_THAT(body, HasSubstr(R"("system":"S")"));
  EXPECT_THAT(body, HasSubstr(R"("stream":false)"));
  EXPECT_THAT(body, Not(HasSubstr("tool")));
  EXPECT_THAT(Build(R"({"system":""})", kCheckpoint), Not(HasSubstr("system")));
  EXPECT_THAT(Build(R"({"tool_choice":{"type":"auto"}})", kCheckpoint),
              HasSubstr(R"("tool_choice":{"type":"auto"})"));
}

TEST(BuildRequestBody, JoinsAnInjectedMessageToTheUserTurn) {
  EXPECT_THAT(
      Build(R"({"messages":[{"role":"user","content":"more"}]})", kCheckpoint),
      HasSubstr(R"({"role":"user","content":[{"type":"text","text":"two"},)"
                R"({"type":"text","text":"more"}]}])"));
}

TEST(BuildRequestBody, ReplacesTheLastPrompt) {
  EXPECT_THAT(Build(R"({"replace_message":"other \ud83d"})", kCheckpoint),
              HasSubstr(R"({"role":"user","content":"other \ud83d"}]})"));
  const auto alone = BuildRequestBody(
      R"({"model":"m","replace_message":"x"})",
      R"({"last":"assistant","messages":[{"role":"user","content":"a"}]})");
  EXPECT_EQ(alone.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(BuildRequestBody, KeepsAPausedTurnAndItsSuccessorTogether) {
  EXPECT_THAT(
      Build(R"({"model":"m","messages":[{"role":"user","content":"q"},)"
            R"({"role":"assistant","content":[{"type":"thinking","signature":)"
            R"("S="}]},{"role":"assistant","content":[{"type":"x"}]}]})"),
      HasSubstr(R"({"role":"assistant","content":[{"type":"thinking",)"
                R"("signature":"S="},{"type":"x"}]}])"));
}

TEST(BuildRequestBody, DropsEmptyTextAndEmptiedMessages) {
  EXPECT_THAT(
      Build(R"({"model":"m","messages":[{"role":"user","content":"q"},)"
            R"({"role":"assistant","content":[{"type":"text","text":""}]},)"
            R"({"role":"user","content":[{"type":"text","text":"\n "},)"
            R"({"type":"text","text":"r", "x":1}]}]})"),
      HasSubstr(R"("messages":[{"role":"user","content":[{"type":"text",)"
                R"("text":"q"},{"type":"text","text":"r", "x":1}]}])"));
}

TEST(BuildRequestBody, PassesOtherFieldsThrough) {
  EXPECT_THAT(Build(R"({"temperature": 1e0,"thinking":{"type":"adaptive"},)"
                    R"("model":"m","top_k":null,"checkpoint":{"ref":1},)"
                    R"("messages":[{"role":"user","content":"q"}]})"),
              HasSubstr(R"("stream":true,"temperature":1e0,"thinking":{"type":)"
                        R"("adaptive"},"messages")"));
}

TEST(BuildRequestBody, GivesTheSameBytesForALongerConversation) {
  const std::string shorter =
      Build(R"({"messages":[{"role":"assistant","content":[{"type":"text",)"
            R"("text":"a"}]},{"role":"user","content":"u"}]})",
            kCheckpoint);
  const std::string longer =
      Build(R"({"messages":[{"role":"assistant","content":[{"type":"text",)"
            R"("text":"a"}]},{"role":"user","content":"u"},)"
            R"({"role":"assistant","content":"b"}]})",
            kCheckpoint);
  EXPECT_EQ(longer.substr(0, shorter.size() - 2),
            shorter.substr(0, shorter.size() - 2));
}

TEST(BuildRequestBody, NamesTheFieldAtFault) {
  EXPECT_THAT(Build("[]"), HasSubstr("turn"));
  EXPECT_THAT(Build("{}", "{"), HasSubstr("checkpoint"));
  EXPECT_THAT(Build(R"({"messages":[{"role":"user","content":"q"}]})"),
              HasSubstr("model"));
  EXPECT_THAT(Build(R"({"model":"m"})"), HasSubstr("messages"));
  EXPECT_THAT(Build(R"({"model":"m","messages":[{"role":"user"}]})"),
              HasSubstr("messages[0]"));
  EXPECT_THAT(Build(R"({"max_tokens":-1})", kCheckpoint),
              HasSubstr("max_tokens"));
  EXPECT_THAT(Build(R"({"system":3})", kCheckpoint), HasSubstr("system"));
  EXPECT_THAT(Build(R"({"replace_message":" "})", kCheckpoint),
              HasSubstr("replace_message"));
}

}  // namespace
}  // namespace anabranch::claude
