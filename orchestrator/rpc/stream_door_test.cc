#include "orchestrator/rpc/stream_door.h"

#include <gtest/gtest.h>

#include "base/error_details.h"
#include "base/limits.h"

namespace anabranch::rpc {
namespace {

using anabranch::v1::ConnectRequest;
using anabranch::v1::Hello;
using anabranch::v1::WorkerMessage;

const std::string& Token() {
  static const std::string* const token = new std::string(
      TaskToken{Epoch{1, 2}, ActivityId{Uid{3}, 4}, 1}.ToString());
  return *token;
}

Hello GoodHello() {
  Hello hello;
  hello.set_session("session-1");
  hello.add_activity_types("echo");
  hello.set_slots(4);
  hello.set_protocol_version(1);
  return hello;
}

WorkerMessage Wrap(Hello hello) {
  WorkerMessage message;
  *message.mutable_hello() = std::move(hello);
  return message;
}

ConnectRequest Frame(WorkerMessage message) {
  ConnectRequest frame;
  *frame.add_messages() = std::move(message);
  return frame;
}

// Reason with which the stream ends, after a good Hello; OK when it lives.
std::string ReasonFor(WorkerMessage message) {
  StreamDoor door;
  SortedFrame sorted;
  EXPECT_TRUE(door.Take(Frame(Wrap(GoodHello())), sorted).ok());
  absl::Status status = door.Take(Frame(std::move(message)), sorted);
  return status.ok() ? "OK" : ErrorReason(status);
}

std::string ReasonForHello(Hello hello) {
  StreamDoor door;
  SortedFrame sorted;
  absl::Status status = door.Take(Frame(Wrap(std::move(hello))), sorted);
  return status.ok() ? "OK" : ErrorReason(status);
}

TEST(StreamDoor, HelloComesFirstAndOnce) {
  StreamDoor door;
  SortedFrame sorted;
  WorkerMessage beat;
  beat.mutable_beat();
  EXPECT_EQ(ErrorReason(door.Take(Frame(beat), sorted)), "HELLO_EXPECTED");
  EXPECT_EQ(ReasonFor(Wrap(GoodHello())), "INVALID_HELLO");
  EXPECT_EQ(ReasonFor(beat), "OK");
}

TEST(StreamDoor, HelloIsChecked) {
  EXPECT_EQ(ReasonForHello(GoodHello()), "OK");
  Hello hello = GoodHello();
  hello.set_session("short");
  EXPECT_EQ(ReasonForHello(hello), "INVALID_HELLO");
  hello = GoodHello();
  hello.set_session(std::string(65, 'a'));
  EXPECT_EQ(ReasonForHello(hello), "INVALID_HELLO");
  hello = GoodHello();
  hello.set_slots(0);
  EXPECT_EQ(ReasonForHello(hello), "INVALID_HELLO");
  hello = GoodHello();
  hello.set_slots(limits::kSlotsPerWorkerMax + 1);
  EXPECT_EQ(ReasonForHello(hello), "INVALID_HELLO");
  hello = GoodHello();
  hello.clear_activity_types();
  EXPECT_EQ(ReasonForHello(hello), "INVALID_HELLO");
  hello = GoodHello();
  hello.set_protocol_version(2);
  EXPECT_EQ(ReasonForHello(hello), "INVALID_HELLO");
  hello = GoodHello();
  hello.add_running_tokens("nonsense");
  EXPECT_EQ(ReasonForHello(hello), "INVALID_TOKEN");
  hello = GoodHello();
  hello.add_running_tokens(Token());
  hello.add_held_tokens(Token());
  EXPECT_EQ(ReasonForHello(hello), "INVALID_HELLO");
}

TEST(StreamDoor, NonsenseEndsTheStream) {
  EXPECT_EQ(ReasonFor(WorkerMessage()), "UNKNOWN_MESSAGE");
  WorkerMessage message;
  message.mutable_credit()->set_count(-1);
  EXPECT_EQ(ReasonFor(message), "INVALID_CREDIT");
  message.mutable_completed()->set_token("x");
  EXPECT_EQ(ReasonFor(message), "INVALID_TOKEN");
  message.mutable_progress()->set_token("x");
  EXPECT_EQ(ReasonFor(message), "INVALID_TOKEN");
  message.mutable_progress()->set_token(Token());
  message.mutable_progress()->set_offset(-1);
  EXPECT_EQ(ReasonFor(message), "INVALID_MESSAGE");
  message.mutable_failed()->set_token(Token());
  message.mutable_failed()->mutable_next_delay()->set_seconds(-5);
  EXPECT_EQ(ReasonFor(message), "INVALID_MESSAGE");
  message.mutable_heartbeat()->set_token(Token());
  message.mutable_heartbeat()->mutable_details()->set_text(
      std::string(70'000, 'x'));
  EXPECT_EQ(ReasonFor(message), "MESSAGE_TOO_LARGE");
}

TEST(StreamDoor, BadFragmentsEndTheStream) {
  WorkerMessage message;
  auto& fragment = *message.mutable_fragment();
  EXPECT_EQ(ReasonFor(message), "INVALID_FRAGMENT");
  fragment.set_data(std::string(limits::kFragmentBytesMax + 1, 'x'));
  EXPECT_EQ(ReasonFor(message), "INVALID_FRAGMENT");
  fragment.set_data("\xff\xff");
  fragment.set_last(true);
  EXPECT_EQ(ReasonFor(message), "INVALID_FRAGMENT");
  WorkerMessage nested;
  nested.mutable_fragment()->set_last(true);
  fragment.set_data(nested.SerializeAsString());
  EXPECT_EQ(ReasonFor(message), "INVALID_FRAGMENT");
}

TEST(StreamDoor, ReassemblyIsBounded) {
  StreamDoor door;
  SortedFrame sorted;
  ASSERT_TRUE(door.Take(Frame(Wrap(GoodHello())), sorted).ok());
  WorkerMessage piece;
  piece.mutable_fragment()->set_transfer_id(1);
  piece.mutable_fragment()->set_data(
      std::string(limits::kFragmentBytesMax, 'x'));
  absl::Status status;
  int64_t sent = 0;
  while (status.ok() && sent < 2 * limits::kStreamMessageBytesMax) {
    status = door.Take(Frame(piece), sorted);
    sent += limits::kFragmentBytesMax;
  }
  EXPECT_EQ(ErrorReason(status), "MESSAGE_TOO_LARGE");
}

TEST(StreamDoor, PutsFragmentsTogether) {
  StreamDoor door;
  SortedFrame sorted;
  ASSERT_TRUE(door.Take(Frame(Wrap(GoodHello())), sorted).ok());
  WorkerMessage completed;
  completed.mutable_completed()->set_token(Token());
  completed.mutable_completed()->mutable_result()->set_text(
      std::string(100'000, 'y'));
  std::string bytes = completed.SerializeAsString();
  for (size_t at = 0; at < bytes.size(); at += 60'000) {
    WorkerMessage piece;
    piece.mutable_fragment()->set_transfer_id(9);
    piece.mutable_fragment()->set_data(bytes.substr(at, 60'000));
    piece.mutable_fragment()->set_last(at + 60'000 >= bytes.size());
    ASSERT_TRUE(door.Take(Frame(piece), sorted).ok());
  }
  ASSERT_EQ(sorted.messages.size(), 1);
  EXPECT_EQ(sorted.messages[0].completed().result().text().size(), 100'000);
}

TEST(StreamDoor, ProgressGoesItsOwnWay) {
  StreamDoor door;
  SortedFrame sorted;
  ASSERT_TRUE(door.Take(Frame(Wrap(GoodHello())), sorted).ok());
  WorkerMessage progress;
  progress.mutable_progress()->set_token(Token());
  progress.mutable_progress()->set_offset(5);
  progress.mutable_progress()->set_text("hi");
  ASSERT_TRUE(door.Take(Frame(progress), sorted).ok());
  EXPECT_TRUE(sorted.messages.empty());
  ASSERT_EQ(sorted.progress.size(), 1);
  EXPECT_EQ(sorted.progress[0].token.activity.seq, 4);
  EXPECT_EQ(sorted.progress[0].text, "hi");
}

TEST(StreamDoor, AnInvalidResultBecomesAFailure) {
  StreamDoor door;
  SortedFrame sorted;
  ASSERT_TRUE(door.Take(Frame(Wrap(GoodHello())), sorted).ok());
  WorkerMessage message;
  message.mutable_completed()->set_token(Token());
  message.mutable_completed()->mutable_result()->set_json_text("{\"a\":");
  message.mutable_completed()->set_usage_json("{\"input_tokens\":1}");
  ASSERT_TRUE(door.Take(Frame(message), sorted).ok());
  ASSERT_EQ(sorted.messages.size(), 1);
  ASSERT_TRUE(sorted.messages[0].has_failed());
  EXPECT_EQ(sorted.messages[0].failed().failure().type(), "invalid_result");
  EXPECT_FALSE(sorted.messages[0].failed().failure().retryable());
  EXPECT_EQ(sorted.messages[0].failed().usage_json(), "{\"input_tokens\":1}");
}

TEST(StreamDoor, JsonResultsBecomeText) {
  StreamDoor door;
  SortedFrame sorted;
  ASSERT_TRUE(door.Take(Frame(Wrap(GoodHello())), sorted).ok());
  WorkerMessage message;
  message.mutable_completed()->set_token(Token());
  message.mutable_completed()->mutable_result()->mutable_json()->set_bool_value(
      true);
  ASSERT_TRUE(door.Take(Frame(message), sorted).ok());
  EXPECT_EQ(sorted.messages[0].completed().result().json_text(), "true");
}

}  // namespace
}  // namespace anabranch::rpc
