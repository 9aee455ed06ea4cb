#include "flows/input_object.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::flows {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Problems(const InputProblems& problems) {
  return std::string(problems.status().message());
}

TEST(InputObject, GivesValuesAsTheyStand) {
  InputProblems problems;
  const InputObject input(R"({"a":"\u00e9\ud83d","n":4e2,"x":null})", "",
                          {"a", "n", "x"}, problems);
  EXPECT_EQ(input.RequiredText("a"), R"("\u00e9\ud83d")");
  EXPECT_EQ(input.Integer("n", 1, 400), 400);
  EXPECT_EQ(input.Number("n", 1, 400), 400);
  EXPECT_FALSE(input.Has("x"));
  EXPECT_EQ(input.Integer("x", 1, 2), std::nullopt);
  EXPECT_TRUE(problems.status().ok());
}

TEST(InputObject, NamesUnknownAndRepeatedMembers) {
  InputProblems problems;
  const InputObject input(R"({"a":1,"\u0061":2,"b":3})", "at[1]", {"a", "c"},
                          problems);
  EXPECT_EQ(Problems(problems),
            "at[1].a: is there twice; at[1].b: is unknown; known: a, c");
}

TEST(InputObject, NamesWhatIsNoObject) {
  InputProblems problems;
  const InputObject list("[1]", "", {}, problems);
  const InputObject broken("{\"a\":", "b", {}, problems);
  const InputObject bytes("\"\xff\"", "c", {}, problems);
  EXPECT_THAT(Problems(problems),
              HasSubstr("input: must be a JSON object, not an array; "
                        "b: JSON text is cut off at byte 5; c: "));
}

TEST(InputObject, NamesWrongTypesAndRanges) {
  InputProblems problems;
  const InputObject input(R"({"s":1,"t":" \n","i":1.5,"j":0,"k":"1","n":true})",
                          "", {"s", "t", "i", "j", "k", "n", "r"}, problems);
  EXPECT_EQ(input.StringToken("s"), "");
  EXPECT_EQ(input.Text("t"), "");
  EXPECT_EQ(input.RequiredText("r"), "");
  EXPECT_EQ(input.Integer("i", 1, 9), std::nullopt);
  EXPECT_EQ(input.Integer("j", 1, 9), std::nullopt);
  EXPECT_EQ(input.Integer("k", 1, 9), std::nullopt);
  EXPECT_EQ(input.Number("n", 0, 9), std::nullopt);
  EXPECT_EQ(Problems(problems),
            "s: must be a string, not a number; t: must not be empty; "
            "r: is required; i: must be an integer from 1 to 9; "
            "j: must be an integer from 1 to 9; "
            "k: must be an integer from 1 to 9; "
            "n: must be a number from 0 to 9");
  EXPECT_THAT(FieldProblems(problems.status()), SizeIs(7));
}

TEST(InputObject, ReportsABoundedNumberOfProblems) {
  std::string json = "{";
  for (int i = 0; i < 100; ++i) {
    json += "\"x" + std::to_string(i) + "\":0,";
  }
  json.back() = '}';
  InputProblems problems;
  const InputObject input(json, "", {"a"}, problems);
  EXPECT_THAT(FieldProblems(problems.status()),
              SizeIs(InputProblems::kReportedMax));
}

TEST(InputObject, CutsLongNamesBetweenCharacters) {
  InputProblems problems;
  std::string name = "a";
  for (int i = 0; i < 100; ++i) name += "é";
  const InputObject input("{\"" + name + "\":1}", "", {"a"}, problems);
  EXPECT_EQ(FieldProblems(problems.status())[0].field.size(), 63u);
}

}  // namespace
}  // namespace anabranch::flows
