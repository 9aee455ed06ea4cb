#include "orchestrator/log/keys.h"

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace anabranch::log {
namespace {

using std::literals::string_literals::operator""s;

std::string NumberKey(uint64_t value) {
  return KeyBuilder("zz").Number(value).Take();
}

std::string TextKey(std::string_view text, uint64_t number) {
  return KeyBuilder("zz").Text(text).Number(number).Take();
}

TEST(Keys, NumbersAreBigEndian) {
  EXPECT_EQ(NumberKey(0x0102030405060708),
            "zz\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_EQ(KeyBuilder("zz").Number32(0xfffefdfc).Take(), "zz\xff\xfe\xfd\xfc");
}

TEST(Keys, OrderOfNumbersIsOrderOfKeys) {
  std::vector<uint64_t> numbers = {0, 1, 255, 256, 65535, 1ULL << 40, ~0ULL};
  for (size_t i = 1; i < numbers.size(); ++i) {
    EXPECT_LT(NumberKey(numbers[i - 1]), NumberKey(numbers[i]));
  }
}

TEST(Keys, OrderOfTextsIsOrderOfKeysWhateverFollows) {
  std::vector<std::string> texts = {"",      "\0"s, "\0\0"s, "\0a"s, "\x01",
                                    "\x01a", "a",   "a\0"s,  "ab",   "b"};
  ASSERT_TRUE(std::is_sorted(texts.begin(), texts.end()));
  for (size_t i = 1; i < texts.size(); ++i) {
    EXPECT_LT(TextKey(texts[i - 1], ~0ULL), TextKey(texts[i], 0)) << i;
  }
}

TEST(Keys, ParserGivesBackWhatTheBuilderTook) {
  std::string key = KeyBuilder("zz")
                        .Text("a\0b\x01"s)
                        .Number(5)
                        .Number32(6)
                        .Rest("rest\0"s)
                        .Take();
  KeyParser parser(key);
  EXPECT_EQ(parser.kind(), "zz");
  EXPECT_EQ(parser.Text(), "a\0b\x01"s);
  EXPECT_EQ(parser.Number(), 5u);
  EXPECT_EQ(parser.Number32(), 6u);
  EXPECT_EQ(parser.Rest(), "rest\0"s);
}

TEST(Keys, ParserRefusesShortKeys) {
  EXPECT_EQ(KeyParser("zz1234567").Number(), std::nullopt);
  EXPECT_EQ(KeyParser("zz123").Number32(), std::nullopt);
  EXPECT_EQ(KeyParser("zzabc").Text(), std::nullopt);
  EXPECT_EQ(KeyParser("zzabc\x01").Text(), std::nullopt);
  EXPECT_EQ(KeyParser("z").kind(), "z");
}

TEST(Keys, PrefixEndFollowsAllKeysOfThePrefix) {
  EXPECT_EQ(PrefixEnd("ev"), "ew");
  EXPECT_EQ(PrefixEnd("e\xff\xff"), "f");
  EXPECT_EQ(PrefixEnd("\xff"), "");
}

TEST(Keys, ReadableKeyEscapesBytes) {
  EXPECT_EQ(ReadableKey("ev\0\\~\xff"s), "ev\\x00\\x5c~\\xff");
}

}  // namespace
}  // namespace anabranch::log
