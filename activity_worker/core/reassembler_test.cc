#include "activity_worker/core/reassembler.h"

#include <gtest/gtest.h>

#include <string>

namespace anabranch::activity_worker {
namespace {

v1::Fragment Piece(int64_t id, const std::string& data, bool last) {
  v1::Fragment piece;
  piece.set_transfer_id(id);
  piece.set_data(data);
  piece.set_last(last);
  return piece;
}

std::string Serialized(const std::string& token) {
  v1::ServerMessage message;
  message.mutable_task()->set_token(token);
  return message.SerializeAsString();
}

TEST(Reassembler, PutsInterleavedMessagesTogether) {
  Reassembler reassembler;
  const std::string a = Serialized("first");
  const std::string b = Serialized("second");
  EXPECT_FALSE(reassembler.Add(Piece(1, a.substr(0, 3), false))->has_value());
  EXPECT_FALSE(reassembler.Add(Piece(2, b.substr(0, 1), false))->has_value());
  EXPECT_TRUE(reassembler.open());
  auto whole = reassembler.Add(Piece(1, a.substr(3), true));
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->task().token(), "first");
  whole = reassembler.Add(Piece(2, b.substr(1), true));
  ASSERT_TRUE(whole.ok() && whole->has_value());
  EXPECT_EQ((*whole)->task().token(), "second");
  EXPECT_FALSE(reassembler.open());
}

TEST(Reassembler, RefusesWhatIsNoMessage) {
  Reassembler reassembler;
  EXPECT_EQ(reassembler.Add(Piece(1, "\xff\xff", true)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Reassembler, RefusesPiecesInPieces) {
  v1::ServerMessage nested;
  nested.mutable_fragment()->set_data("x");
  Reassembler reassembler;
  EXPECT_EQ(reassembler.Add(Piece(1, nested.SerializeAsString(), true))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Reassembler, BoundsOneMessage) {
  Reassembler reassembler({.message_bytes_max = 10});
  EXPECT_TRUE(reassembler.Add(Piece(1, "12345", false)).ok());
  EXPECT_EQ(reassembler.Add(Piece(1, "678901", false)).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(Reassembler, BoundsAllMessagesTogether) {
  Reassembler reassembler({.open_bytes_max = 10});
  EXPECT_TRUE(reassembler.Add(Piece(1, "12345", false)).ok());
  EXPECT_TRUE(reassembler.Add(Piece(2, "12345", false)).ok());
  EXPECT_EQ(reassembler.Add(Piece(3, "1", false)).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(Reassembler, BoundsHowManyAreOpen) {
  Reassembler reassembler({.open_transfers_max = 1});
  EXPECT_TRUE(reassembler.Add(Piece(1, "1", false)).ok());
  EXPECT_TRUE(reassembler.Add(Piece(1, "2", false)).ok());
  EXPECT_EQ(reassembler.Add(Piece(2, "1", false)).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(Reassembler, FinishedMessagesNoLongerCount) {
  Reassembler reassembler({.open_bytes_max = 20});
  const std::string bytes = Serialized("0123456789");
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(reassembler.Add(Piece(i, bytes, true)).ok());
  }
}

}  // namespace
}  // namespace anabranch::activity_worker
