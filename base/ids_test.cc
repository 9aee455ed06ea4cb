#include "base/ids.h"

#include <gtest/gtest.h>

namespace anabranch {
namespace {

TEST(Uid, HexRoundTrips) {
  Uid uid{0x0123456789abcdefULL};
  EXPECT_EQ(uid.ToHex(), "0123456789abcdef");
  EXPECT_EQ(Uid::FromHex("0123456789abcdef"), uid);
}

TEST(Uid, RefusesOtherText) {
  EXPECT_FALSE(Uid::FromHex("").has_value());
  EXPECT_FALSE(Uid::FromHex("0123456789ABCDEF").has_value());
  EXPECT_FALSE(Uid::FromHex("0123456789abcdeg").has_value());
  EXPECT_FALSE(Uid::FromHex("0123456789abcdef0").has_value());
}

TEST(TaskToken, TextRoundTrips) {
  TaskToken token{Epoch{7, 0xfeed}, ActivityId{Uid{0xbeef}, 12}, 3};
  EXPECT_EQ(TaskToken::Parse(token.ToString()), token);
}

TEST(TaskToken, RefusesNonsense) {
  EXPECT_FALSE(TaskToken::Parse("").has_value());
  EXPECT_FALSE(TaskToken::Parse("1.2.3.4").has_value());
  EXPECT_FALSE(TaskToken::Parse("1.2.3.4.x").has_value());
  EXPECT_FALSE(TaskToken::Parse("1.2.3.4.5.6").has_value());
}

}  // namespace
}  // namespace anabranch
