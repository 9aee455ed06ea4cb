#include "activity_worker/core/progress_buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace anabranch::activity_worker {
namespace {

TEST(ProgressBuffer, PiecesFollowOneAnother) {
  ProgressBuffer buffer;
  buffer.Append("Hello");
  EXPECT_EQ(buffer.TakePiece().offset(), 0);
  EXPECT_FALSE(buffer.pending());
  buffer.Append(" there");
  const v1::Progress piece = buffer.TakePiece();
  EXPECT_EQ(piece.offset(), 5);
  EXPECT_EQ(piece.text(), " there");
}

TEST(ProgressBuffer, RewindSendsAllAgain) {
  ProgressBuffer buffer;
  buffer.Append("Hello");
  buffer.TakePiece();
  buffer.Append("!");
  buffer.Rewind();
  const v1::Progress piece = buffer.TakePiece();
  EXPECT_EQ(piece.offset(), 0);
  EXPECT_EQ(piece.text(), "Hello!");
}

TEST(ProgressBuffer, CutsBetweenCharacters) {
  ProgressBuffer buffer;
  std::string text(ProgressBuffer::kPieceBytesMax - 1, 'a');
  text += "\xc3\xa4z";  // ä would straddle the border
  buffer.Append(text);
  const v1::Progress first = buffer.TakePiece();
  EXPECT_EQ(first.text().size(), ProgressBuffer::kPieceBytesMax - 1);
  const v1::Progress second = buffer.TakePiece();
  EXPECT_EQ(second.text(), "\xc3\xa4z");
  EXPECT_EQ(second.offset(),
            static_cast<int64_t>(ProgressBuffer::kPieceBytesMax) - 1);
  EXPECT_FALSE(buffer.pending());
}

TEST(ProgressBuffer, KeepsTheNewestBytesWithTheirOffset) {
  ProgressBuffer buffer(/*bytes_max=*/8);
  buffer.Append("0123456789");
  buffer.Append("abcdefg");  // 17 bytes: above twice the bound
  const v1::Progress piece = buffer.TakePiece();
  EXPECT_EQ(piece.offset(), 9);
  EXPECT_EQ(piece.text(), "9abcdefg");
}

TEST(ProgressBuffer, DropsNoHalfCharacter) {
  ProgressBuffer buffer(/*bytes_max=*/3);
  buffer.Append("aaaaa\xc3\xa4zz");  // the cut would fall inside ä
  const v1::Progress piece = buffer.TakePiece();
  EXPECT_EQ(piece.text(), "zz");
  EXPECT_EQ(piece.offset(), 7);
}

}  // namespace
}  // namespace anabranch::activity_worker
