#include "claude/json.h"

#include <string>

#include "claude/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Json, AcceptsWhatTheGrammarAllows) {
  for (const char* text :
       {"{}", " [ ] ", "0", "-0.5e+10", "1E9", "true", "false", "null",
        R"("\"\\\/\b\f\n\r\t\u00e9")", R"({"a":[1,{"b":null}],"a":2})",
        R"("\ud83d")", "\"\xE2\x80\xA8\"", "123456789012345678901234567890"}) {
    EXPECT_TRUE(ValidateJson(text).ok()) << text;
  }
}

TEST(Json, RefusesWhatTheGrammarForbids) {
  for (const char* text : {"",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "01",
                           "1.",
                           ".5",
                           "+1",
                           "1e",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"a\nb\"",
                           "tru",
                           "nulll",
                           "[1] 2",
                           "'a'",
                           "\"\xFF\"",
                           "\"\xED\xA0\x80\"",
                           "\"\xC0\x80\"",
                           "\"abc"}) {
    EXPECT_FALSE(ValidateJson(text).ok()) << text;
  }
}

TEST(Json, NamesThePlaceOfTheFault) {
  EXPECT_THAT(ValidateJson("[1,x]").message(), HasSubstr("byte 3"));
  EXPECT_THAT(ValidateJson("[1,").message(), HasSubstr("cut off"));
}

TEST(Json, RefusesBottomlessNesting) {
  EXPECT_TRUE(ValidateJson(std::string(500, '[') + std::string(500, ']')).ok());
  EXPECT_FALSE(ValidateJson(std::string(100000, '[')).ok());
}

TEST(JsonObject, GivesTheBytesOfAMember) {
  const std::string text = R"( {"a" : {"x": "\ud83d", "n":1.0e2 } ,"b":[] })";
  const auto object = JsonObject::Parse(text);
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object->Get("a"), R"({"x": "\ud83d", "n":1.0e2 })");
  EXPECT_EQ(object->Get("b"), "[]");
  EXPECT_EQ(object->Get("c"), "");
}

TEST(JsonObject, ReadsScalars) {
  const auto object = JsonObject::Parse(
      R"({"s":"a\u00e9\ud83d\ude00","i":-7,"t":true,"n":null,"f":1.5})");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object->GetString("s"), "a\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(object->GetString("i"), "");
  EXPECT_EQ(object->GetInt("i"), -7);
  EXPECT_EQ(object->GetInt("f"), std::nullopt);
  EXPECT_TRUE(object->GetBool("t"));
  EXPECT_FALSE(object->Has("n"));
  EXPECT_TRUE(object->Has("f"));
}

TEST(JsonObject, FindsAnEscapedKeyAndTheLastOfTwo) {
  const auto object = JsonObject::Parse(R"({"\u0061":1,"b":2,"b":3})");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(object->Get("a"), "1");
  EXPECT_EQ(object->Get("b"), "3");
}

TEST(JsonObject, RefusesOtherValues) {
  EXPECT_FALSE(JsonObject::Parse("[]").ok());
  EXPECT_FALSE(JsonObject::Parse("").ok());
  EXPECT_FALSE(JsonObject::Parse("{} x").ok());
}

TEST(JsonElements, AreSlices) {
  const auto elements = JsonElements(R"([ 1, "a,b" ,{"c":[2,3]} ])");
  ASSERT_TRUE(elements.ok());
  EXPECT_THAT(*elements, ElementsAre("1", R"("a,b")", R"({"c":[2,3]})"));
  EXPECT_FALSE(JsonElements("{}").ok());
}

TEST(Unescape, KeepsOrReplacesALoneSurrogate) {
  EXPECT_EQ(Unescape(R"(x\ud83dy)"), "x\xEF\xBF\xBDy");
  EXPECT_EQ(Unescape(R"(x\ud83dy)", LoneSurrogate::kKeep), R"(x\ud83dy)");
  EXPECT_EQ(Unescape(R"(\ude00\ud83d)"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Splice, ExchangesOneSlice) {
  const std::string text = R"({"text": "", "x":1})";
  const auto object = JsonObject::Parse(text);
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(Splice(text, object->Get("text"), R"("hi")"),
            R"({"text": "hi", "x":1})");
}

TEST(SetMember, ReplacesOrAppends) {
  EXPECT_EQ(SetMember(R"({"a": 1, "b":2})", "a", "[]"), R"({"a": [], "b":2})");
  EXPECT_EQ(SetMember(R"({"a": 1} )", "b", "2"), R"({"a": 1,"b":2} )");
  EXPECT_EQ(SetMember("{}", "b", "2"), R"({"b":2})");
}

TEST(Utf8, ReplacesInvalidBytes) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xFF\xC3\xA9"), "a\xEF\xBF\xBD\xC3\xA9");
  EXPECT_TRUE(IsValidUtf8("\xF4\x8F\xBF\xBF"));
  EXPECT_FALSE(IsValidUtf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(IsValidUtf8("\xE0\x80\x80"));
}

TEST(Utf8, PrefixCutsNoCharacter) {
  EXPECT_EQ(Utf8Prefix("a\xC3\xA9z", 2), "a");
  EXPECT_EQ(Utf8Prefix("a\xC3\xA9z", 3), "a\xC3\xA9");
  EXPECT_EQ(Utf8Prefix("ab", 9), "ab");
}

}  // namespace
}  // namespace anabranch::claude
