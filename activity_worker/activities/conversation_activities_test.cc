#include "activity_worker/activities/conversation_activities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "activity_worker/testing/activity_runner.h"

namespace anabranch::activity_worker {
namespace {

using testing::ActivityRunner;
using ::testing::HasSubstr;

constexpr char kTranscript[] =
    R"({"type":"user","uuid":"u1","parentUuid":null,"sessionId":"s1",)"
    R"("timestamp":"2026-01-01T00:00:00.000Z","message":{"role":"user",)"
    R"("content":"Hi"}})"
    "\n"
    R"({"type":"assistant","uuid":"u2","parentUuid":"u1","sessionId":"s1",)"
    R"("timestamp":"2026-01-01T00:00:01.000Z","message":{"id":"msg_1",)"
    R"("type":"message","role":"assistant","model":"claude-test",)"
    R"("content":[{"type":"text","text":"Hello"}],)"
    R"("stop_reason":"end_turn"}})"
    "\n";

v1::Task Task(const std::string& type, const std::string& input) {
  v1::Task task;
  task.set_activity_type(type);
  task.mutable_input()->set_json_text(input);
  (*task.mutable_attachments())["conversation"].set_data(kTranscript);
  return task;
}

TEST(ConversationActivities, LoadsASummary) {
  ActivityRunner runner(RegisterConversationActivities);
  const Outcome outcome =
      runner.Run(Task("conversation.load", R"({"fork_at_step":1})"));
  ASSERT_TRUE(outcome.result.has_value()) << outcome.failure.DebugString();
  EXPECT_THAT(outcome.result->json_text(), HasSubstr("\"steps\":2"));
}

TEST(ConversationActivities, MakesACheckpointThatCanBeCompared) {
  ActivityRunner runner(RegisterConversationActivities);
  const Outcome checkpoint =
      runner.Run(Task("conversation.checkpoint", R"({"fork_at_step":1})"));
  ASSERT_TRUE(checkpoint.result.has_value())
      << checkpoint.failure.DebugString();
  v1::Task task = Task("conversation.compare", R"({"branches":[]})");
  (*task.mutable_attachments())["checkpoint"] = *checkpoint.result;
  const Outcome comparison = runner.Run(task);
  ASSERT_TRUE(comparison.result.has_value())
      << comparison.failure.DebugString();
  EXPECT_THAT(comparison.result->json_text(), HasSubstr("original"));
}

TEST(ConversationActivities, WrongInputIsNotTriedAgain) {
  ActivityRunner runner(RegisterConversationActivities);
  Outcome outcome =
      runner.Run(Task("conversation.checkpoint", R"({"fork_at_step":9})"));
  EXPECT_FALSE(outcome.result.has_value());
  EXPECT_FALSE(outcome.failure.retryable());
  v1::Task task = Task("conversation.load", R"({"fork_at_step":1})");
  task.clear_attachments();
  outcome = runner.Run(task);
  EXPECT_EQ(outcome.failure.type(), "invalid_input");
  EXPECT_THAT(outcome.failure.message(), HasSubstr("conversation"));
}

}  // namespace
}  // namespace anabranch::activity_worker
