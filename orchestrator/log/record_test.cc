#include "orchestrator/log/record.h"

#include <string>

#include "gtest/gtest.h"

namespace anabranch::log {
namespace {

TEST(Record, UnwrapGivesTheContentBack) {
  for (const std::string& content :
       {std::string(), std::string("x"), std::string(100'000, 'y')}) {
    std::string value = WrapRecord("key", content);
    EXPECT_EQ(value.size(), kEnvelopeBytes + content.size());
    EXPECT_EQ(UnwrapRecord("key", value).value(), content);
  }
}

TEST(Record, LayoutIsFrozen) {
  EXPECT_EQ(
      WrapRecord("key", "content"),
      std::string("\x01\x00\x00\x00\x07", 5) + "\xd4\xbf\x84\xf2" + "content");
}

TEST(Record, AnyFlippedBitIsFound) {
  std::string value = WrapRecord("key", "content");
  for (size_t bit = 0; bit < value.size() * 8; ++bit) {
    std::string flipped = value;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(UnwrapRecord("key", flipped).ok()) << bit;
  }
}

TEST(Record, AnyTruncationIsFound) {
  std::string value = WrapRecord("key", "content");
  for (size_t size = 0; size < value.size(); ++size) {
    absl::Status status = UnwrapRecord("key", value.substr(0, size)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST(Record, AValueUnderAnotherKeyIsFoundAndTheKeyNamed) {
  absl::Status status =
      UnwrapRecord("ev\x01", WrapRecord("key", "content")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("ev\\x01"), absl::string_view::npos);
}

TEST(Record, ANewerEnvelopeIsNotCalledDamage) {
  std::string value = WrapRecord("key", "content");
  value[0] = 2;
  EXPECT_EQ(UnwrapRecord("key", value).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace anabranch::log
