// Anthropic's own SDK, two lines of it, takes fake_claude for the real thing:
// what tests and the demo talk to is faithful where a client looks.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/support/await.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace anabranch::e2e {
namespace {

class AnthropicSdk : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Line, AnthropicSdk, ::testing::Values("0", "1"),
                         [](const auto& line) { return "v" + line.param; });

TEST_P(AnthropicSdk, TakesTheFakeForTheRealThing) {
  const char* modules = std::getenv("ANABRANCH_NODE_MODULES");
  ASSERT_NE(modules, nullptr)
      << "ANABRANCH_NODE_MODULES must name node's packages; ./dev test does";
  const auto programs = support::FindPrograms();
  ASSERT_TRUE(programs.ok()) << programs.status();
  auto fake = support::Process::Start(
      {.program = programs->fake_claude,
       .arguments = {"--address", "127.0.0.1:0", "--api-key", "the-key"}});
  ASSERT_TRUE(fake.ok()) << fake.status();
  const auto line = (*fake)->ReadLine(support::kPatience);
  ASSERT_TRUE(line.ok()) << line.status();
  const std::string url = line->substr(line->rfind(' ') + 1);

  const auto ran = support::RunProcess(
      {.program = "/usr/bin/node",
       .arguments = {"tests/clients/anthropic_sdk.js",
                     "anthropic-sdk-" + GetParam(), url},
       .environment = {{"NODE_PATH", modules}},
       .unset = {"ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"}},
      support::kPatience);
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->end.exit_code, 0) << "after\n" << ran->out;
  EXPECT_EQ(ran->out,
            "create\nstream\ntool_use\ncount_tokens\nmodels\nrefusals\n"
            "each_status\nretries\nno_retry_when_told\nerror_in_the_stream\n"
            "cut_streams\ntime_out\n");
}

}  // namespace
}  // namespace anabranch::e2e
