#include "activity_worker/core/output_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace anabranch::activity_worker {
namespace {

v1::WorkerMessage Result(const std::string& token, size_t bytes) {
  v1::WorkerMessage message;
  message.mutable_completed()->set_token(token);
  message.mutable_completed()->mutable_result()->set_text(
      std::string(bytes, 'x'));
  return message;
}

v1::WorkerMessage Beat() {
  v1::WorkerMessage message;
  message.mutable_beat();
  return message;
}

v1::ConnectRequest Take(OutputQueue& queue) {
  v1::ConnectRequest frame;
  queue.TakeInto(frame);
  return frame;
}

TEST(OutputQueue, SmallMessagesShareAFrame) {
  OutputQueue queue;
  queue.Push(Result("a", 10), "a");
  queue.Push(Beat(), "");
  const v1::ConnectRequest frame = Take(queue);
  ASSERT_EQ(frame.messages_size(), 2);
  EXPECT_EQ(frame.messages(0).completed().token(), "a");
  EXPECT_TRUE(frame.messages(1).has_beat());
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueue, SmallMessagesOvertakeTheRestOfALargeOne) {
  OutputQueue queue;
  const v1::WorkerMessage large = Result("a", 1'000'000);
  queue.Push(large, "a");
  std::string bytes;
  bool beat_first = false;
  int frames = 0;
  while (!queue.empty()) {
    const v1::ConnectRequest frame = Take(queue);
    EXPECT_LE(frame.ByteSizeLong(), OutputQueue::kFrameBytesMax + 100'000);
    ++frames;
    if (frames == 2) beat_first = frame.messages(0).has_beat();
    for (const v1::WorkerMessage& message : frame.messages()) {
      if (!message.has_fragment()) continue;
      EXPECT_LE(message.fragment().data().size(), 64u * 1024);
      bytes += message.fragment().data();
    }
    if (frames == 1) queue.Push(Beat(), "");
  }
  EXPECT_TRUE(beat_first);
  EXPECT_GE(frames, 4);
  EXPECT_EQ(bytes, large.SerializeAsString());
}

TEST(OutputQueue, OnlyTheLastPieceSaysSo) {
  OutputQueue queue;
  queue.Push(Result("a", 100'000), "a");
  const v1::ConnectRequest frame = Take(queue);
  ASSERT_EQ(frame.messages_size(), 2);
  EXPECT_FALSE(frame.messages(0).fragment().last());
  EXPECT_TRUE(frame.messages(1).fragment().last());
}

TEST(OutputQueue, MessagesOfOneTaskKeepTheirOrder) {
  OutputQueue queue;
  queue.Push(Result("a", 1'000'000), "a");
  queue.Push(Result("a", 1), "a");
  queue.Push(Result("b", 2), "b");
  const v1::ConnectRequest first = Take(queue);
  EXPECT_EQ(first.messages(0).completed().token(), "b");
  v1::ConnectRequest last;
  while (!queue.empty()) last = Take(queue);
  const auto& message = last.messages(last.messages_size() - 1);
  EXPECT_EQ(message.completed().result().text(), "x");
  // Nothing of the task waits any more: it may be fast again.
  queue.Push(Result("c", 1'000'000), "c");
  queue.Push(Result("a", 3), "a");
  EXPECT_EQ(Take(queue).messages(0).completed().token(), "a");
}

TEST(OutputQueue, ManySmallMessagesDoNotStarveALargeOne) {
  OutputQueue queue;
  queue.Push(Result("large", 200'000), "large");
  for (int i = 0; i < 100; ++i) queue.Push(Result("s", 50'000), "s");
  const v1::ConnectRequest frame = Take(queue);
  EXPECT_TRUE(frame.messages(frame.messages_size() - 1).has_fragment());
  EXPECT_LT(frame.ByteSizeLong(), 2 * OutputQueue::kFrameBytesMax);
}

TEST(OutputQueue, TransfersHaveIdsOfTheirOwn) {
  OutputQueue queue;
  queue.Push(Result("a", 70'000), "a");
  queue.Push(Result("b", 70'000), "b");
  const v1::ConnectRequest frame = Take(queue);
  ASSERT_EQ(frame.messages_size(), 4);
  EXPECT_NE(frame.messages(0).fragment().transfer_id(),
            frame.messages(2).fragment().transfer_id());
}

TEST(OutputQueue, ClearForgetsEverything) {
  OutputQueue queue;
  queue.Push(Result("a", 1'000'000), "a");
  queue.Push(Beat(), "");
  queue.Clear();
  EXPECT_TRUE(queue.empty());
  queue.Push(Result("a", 1), "a");
  EXPECT_EQ(Take(queue).messages(0).completed().token(), "a");
}

}  // namespace
}  // namespace anabranch::activity_worker
