#include "claude/json_writer.h"

#include <string>

#include "claude/json.h"
#include "gtest/gtest.h"

namespace anabranch::claude {
namespace {

TEST(JsonWriter, PlacesCommasAndSplicesRawText) {
  JsonWriter writer;
  writer.BeginObject().Key("a").BeginArray().Int(1).Raw(R"("\ud83d")").Null();
  writer.EndArray().Key("b").BeginObject().EndObject();
  writer.Key("c").Bool(true).Key("d").String("x\"y").EndObject();
  EXPECT_EQ(writer.Take(),
            R"({"a":[1,"\ud83d",null],"b":{},"c":true,"d":"x\"y"})");
  EXPECT_TRUE(writer.status().ok());
}

TEST(JsonWriter, RoundsDoubles) {
  JsonWriter writer;
  writer.BeginArray().Double(2).Double(1.5).Double(1.0 / 3).EndArray();
  EXPECT_EQ(writer.Take(), "[2,1.5,0.333]");
}

TEST(JsonWriter, ReportsInvalidUtf8AndStaysJson) {
  JsonWriter writer;
  writer.BeginArray().String("a\xFF").EndArray();
  EXPECT_FALSE(writer.status().ok());
  EXPECT_TRUE(ValidateJson(writer.Take()).ok());
}

TEST(Quote, EscapesOnlyWhatMustBe) {
  EXPECT_EQ(Quote("\xC3\xA9/\xE2\x80\xA8"), "\"\xC3\xA9/\xE2\x80\xA8\"");
  EXPECT_EQ(Quote(std::string("\x01\n\t\r\\\"\0", 7)),
            R"("\u0001\n\t\r\\\"\u0000")");
}

}  // namespace
}  // namespace anabranch::claude
