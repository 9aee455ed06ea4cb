#include "base/logging.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <string>

namespace anabranch {
namespace {

TEST(Logging, JsonLinesAreEscaped) {
  EXPECT_EQ(logging_internal::EscapeJson("a\"b\\c\nd\x01"),
            "a\\\"b\\\\c\\nd\\u0001");
  EXPECT_EQ(logging_internal::EscapeJson("\xc3\xa4\xff\xc3"),
            "\xc3\xa4\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(logging_internal::EscapeJson("\xed\xa0\x80"),
            "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Logging, JsonLineHasItsMembers) {
  ASSERT_TRUE(InitLogging("info", "json", "tester").ok());
  testing::internal::CaptureStderr();
  spdlog::info("say \"hi\"");
  spdlog::debug("not shown");
  FlushLogging();
  const std::string line = testing::internal::GetCapturedStderr();
  EXPECT_EQ(line.find("{\"time\":\"20"), 0u) << line;
  EXPECT_NE(line.find("\"level\":\"info\",\"program\":\"tester\",\"pid\":"),
            std::string::npos)
      << line;
  EXPECT_NE(line.find("\"message\":\"say \\\"hi\\\"\"}\n"), std::string::npos)
      << line;
  EXPECT_EQ(line.find("not shown"), std::string::npos);
}

TEST(Logging, NamesWhatIsAllowed) {
  EXPECT_EQ(InitLogging("loud", "text", "x").code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(InitLogging("info", "xml", "x").code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(InitLogging("off", "text", "x").ok());
}

}  // namespace
}  // namespace anabranch
