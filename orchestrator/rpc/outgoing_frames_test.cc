#include "orchestrator/rpc/outgoing_frames.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "orchestrator/rpc/fragment_assembler.h"

namespace anabranch::rpc {
namespace {

using anabranch::v1::ConnectResponse;
using anabranch::v1::ServerMessage;

ServerMessage Recorded(const std::string& token) {
  ServerMessage message;
  message.mutable_recorded()->set_token(token);
  return message;
}

ServerMessage Cancel(const std::string& token) {
  ServerMessage message;
  message.mutable_cancel()->set_token(token);
  return message;
}

ServerMessage Task(const std::string& token, size_t bytes) {
  ServerMessage message;
  message.mutable_task()->set_token(token);
  message.mutable_task()->mutable_input()->set_text(std::string(bytes, 'x'));
  return message;
}

OutgoingFrames Unresolved() {
  return OutgoingFrames([](ServerMessage&) { return true; });
}

TEST(OutgoingFrames, PutsAllThatWaitsIntoOneFrame) {
  OutgoingFrames frames = Unresolved();
  for (int i = 0; i < 10; ++i) frames.Push(Recorded("t"));
  EXPECT_EQ(frames.Next().messages_size(), 10);
  EXPECT_TRUE(frames.empty());
  EXPECT_EQ(frames.Next().messages_size(), 0);
}

TEST(OutgoingFrames, SmallMessagesOvertakeLargeOnes) {
  OutgoingFrames frames = Unresolved();
  frames.Push(Task("big", 200'000));
  FragmentAssembler assembler;
  std::optional<std::string> whole;
  int count = 0;
  while (!frames.empty()) {
    frames.Push(Recorded("other"));
    ConnectResponse frame = frames.Next();
    ASSERT_EQ(frame.messages_size(), 2);
    EXPECT_TRUE(frame.messages(0).has_recorded());
    EXPECT_LE(frame.messages(1).fragment().data().size(),
              limits::kFragmentBytesMax);
    auto taken = assembler.Take(frame.messages(1).fragment());
    ASSERT_TRUE(taken.ok());
    whole = *taken;
    ++count;
  }
  EXPECT_EQ(count, 4);
  ServerMessage message;
  ASSERT_TRUE(whole.has_value());
  ASSERT_TRUE(message.ParseFromString(*whole));
  EXPECT_EQ(message.task().input().text().size(), 200'000);
}

TEST(OutgoingFrames, ACancelNeverOvertakesItsTask) {
  OutgoingFrames frames = Unresolved();
  frames.Push(Task("big", 100'000));
  frames.Push(Cancel("big"));
  ConnectResponse first = frames.Next();
  ASSERT_EQ(first.messages_size(), 1);
  EXPECT_TRUE(first.messages(0).has_fragment());
  ConnectResponse second = frames.Next();
  ASSERT_EQ(second.messages_size(), 2);
  EXPECT_TRUE(second.messages(0).fragment().last());
  EXPECT_TRUE(second.messages(1).has_cancel());
  EXPECT_TRUE(frames.empty());
}

TEST(OutgoingFrames, ResolvesReferencesWhenTheirTurnComes) {
  int resolved = 0;
  OutgoingFrames frames([&](ServerMessage& message) {
    ++resolved;
    message.mutable_task()->mutable_input()->set_text("content");
    return true;
  });
  ServerMessage task = Task("t", 1);
  task.mutable_task()->mutable_input()->mutable_ref()->set_sha256("00");
  frames.Push(task);
  EXPECT_TRUE(frames.MustRead());
  EXPECT_EQ(resolved, 0);
  ConnectResponse frame = frames.Next();
  ASSERT_EQ(frame.messages_size(), 1);
  EXPECT_EQ(frame.messages(0).task().input().text(), "content");
  EXPECT_TRUE(frames.empty());
}

TEST(OutgoingFrames, DropsWhatCannotBeResolved) {
  OutgoingFrames frames([](ServerMessage&) { return false; });
  ServerMessage task = Task("t", 1);
  task.mutable_task()->mutable_input()->mutable_ref()->set_sha256("00");
  frames.Push(task);
  frames.Push(Recorded("o"));
  EXPECT_EQ(frames.Next().messages_size(), 1);
  EXPECT_TRUE(frames.empty());
}

}  // namespace
}  // namespace anabranch::rpc
