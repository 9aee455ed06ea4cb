#include "client/cli/input.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

using ::testing::HasSubstr;

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

TEST(BuildInput, TakesJsonAsJsonAndTheRestAsStrings) {
  const auto input =
      BuildInput("", {"prompt=Say hi", "n=1.50", "on=true", "list=[1, 2]",
                      "s=\"7\"", "empty=", "eq=a=b", "quote=say \"hi\""});
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(*input,
            R"({"prompt":"Say hi","n":1.50,"on":true,"list":[1, 2],"s":"7",)"
            R"("empty":"","eq":"a=b","quote":"say \"hi\""})");
}

TEST(BuildInput, AddsToAnObject) {
  const auto input = BuildInput(R"({"a":1.0,"b":2})", {"b=3", "c=4"});
  ASSERT_TRUE(input.ok()) << input.status();
  EXPECT_EQ(*input, R"({"a":1.0,"b":3,"c":4})");
}

TEST(BuildInput, KeepsWhatIsGivenWhole) {
  EXPECT_EQ(*BuildInput("[1]", {}), "[1]");
  EXPECT_EQ(*BuildInput("", {}), "{}");
}

TEST(BuildInput, RefusesWhatItCannotPutTogether) {
  EXPECT_THAT(Message(BuildInput("", {"prompt"}).status()),
              HasSubstr("key=value"));
  EXPECT_THAT(Message(BuildInput("", {"=x"}).status()), HasSubstr("key=value"));
  EXPECT_THAT(Message(BuildInput("", {"a=1", "a=2"}).status()),
              HasSubstr("twice"));
  EXPECT_THAT(Message(BuildInput("[1]", {"a=1"}).status()),
              HasSubstr("JSON object"));
}

TEST(ReadJson, ReadsTextFilesAndStandardInput) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/a.json";
  std::ofstream(path) << R"({"a":1})";
  std::istringstream in("[2]");
  EXPECT_EQ(*ReadJson("{\"b\":1}", in), "{\"b\":1}");
  EXPECT_EQ(*ReadJson("@" + path, in), R"({"a":1})");
  EXPECT_EQ(*ReadJson("-", in), "[2]");
}

TEST(ReadJson, SaysWhatIsWrongWhere) {
  std::istringstream in("{\"a\":\"\xff\"}");
  EXPECT_THAT(Message(ReadJson("{\"b\":", in).status()),
              HasSubstr("The value is no JSON"));
  EXPECT_THAT(Message(ReadJson("-", in).status()),
              HasSubstr("Standard input is no JSON"));
  EXPECT_EQ(ReadJson("@/no/such/file", in).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(ReadJson("@/", in).status()), HasSubstr("folder"));
}

TEST(ReadAll, NamesTheLimit) {
  std::istringstream in(std::string(limits::kPayloadBytesMax + 1, 'x'));
  const auto content = ReadAll("-", in);
  EXPECT_EQ(content.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(content.status()), HasSubstr("32 MiB"));
}

}  // namespace
}  // namespace anabranch::cli
