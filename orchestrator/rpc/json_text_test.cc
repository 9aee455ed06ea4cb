#include "orchestrator/rpc/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace anabranch::rpc {
namespace {

using google::protobuf::Value;

std::string RoundTrip(std::string_view text) {
  auto value = JsonTextToValue(text);
  if (!value.has_value()) return "(no value)";
  return ValueToJsonText(*value).value();
}

TEST(JsonText, SortsMembersAndIsCompact) {
  EXPECT_EQ(RoundTrip(R"({ "b" : [1, true, null], "a" : "x" })"),
            R"({"a":"x","b":[1,true,null]})");
}

TEST(JsonText, PrintsWholeNumbersWithoutExponent) {
  EXPECT_EQ(RoundTrip("[1000000,1e15,-5,0,-0.0]"),
            "[1000000,1000000000000000,-5,0,0]");
}

TEST(JsonText, PrintsOtherNumbersShortest) {
  EXPECT_EQ(RoundTrip("[0.1,1.5e-7,1e300]"), "[0.1,1.5e-07,1e+300]");
}

TEST(JsonText, EscapesStrings) {
  EXPECT_EQ(RoundTrip(R"("a\"\u0001\n\u00e9")"), "\"a\\\"\\u0001\\né\"");
}

TEST(JsonText, RefusesNotANumber) {
  Value value;
  value.set_number_value(std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(ValueToJsonText(value).ok());
}

TEST(JsonText, UnsetIsNull) { EXPECT_EQ(*ValueToJsonText(Value()), "null"); }

TEST(JsonText, ShowsNoValueWhereSomethingWouldBeLost) {
  EXPECT_FALSE(JsonTextToValue("9007199254740993").has_value());
  EXPECT_FALSE(JsonTextToValue("18446744073709551615").has_value());
  EXPECT_FALSE(JsonTextToValue("123456789012345678901234").has_value());
  EXPECT_FALSE(JsonTextToValue(R"({"a":1,"a":2})").has_value());
  EXPECT_FALSE(JsonTextToValue(R"("\ud83d")").has_value());
  EXPECT_FALSE(JsonTextToValue("{").has_value());
  EXPECT_TRUE(JsonTextToValue("9007199254740992").has_value());
}

TEST(JsonText, ShowsNoValueThatClientsCannotParse) {
  std::string deep = std::string(29, '[') + std::string(29, ']');
  std::string fine = std::string(28, '[') + std::string(28, ']');
  EXPECT_FALSE(JsonTextToValue(deep).has_value());
  EXPECT_TRUE(JsonTextToValue(fine).has_value());
}

}  // namespace
}  // namespace anabranch::rpc
