// docs/api.md shows every method, and its lines work as they stand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tests/support/cluster_fixture.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace anabranch::e2e {
namespace {

using ::testing::HasSubstr;

struct Example {
  std::string line;
  // What it is said to fail with, for example "RUN_NOT_FOUND".
  std::string reason;
};

// The indented `call …` lines of the page; one may go on in the next, until
// its quotes are closed.
std::vector<Example> ReadExamples() {
  std::vector<Example> examples;
  const auto path = support::FindSourceFile("docs/api.md");
  EXPECT_TRUE(path.ok()) << path.status();
  std::ifstream page(path.value_or(""));
  std::string line;
  while (std::getline(page, line)) {
    if (!line.starts_with("    call ")) continue;
    std::string more;
    while (std::count(line.begin(), line.end(), '\'') % 2 != 0 &&
           std::getline(page, more)) {
      absl::StrAppend(&line, "\n", more);
    }
    std::vector<std::string> parts = absl::StrSplit(line, "   # ");
    Example example{std::string(absl::StripAsciiWhitespace(parts[0])), ""};
    if (parts.size() > 1) {
      example.reason = parts[1].substr(parts[1].find(": ") + 2);
    }
    examples.push_back(std::move(example));
  }
  return examples;
}

class ApiByExample : public support::ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    const char* buf = std::getenv("ANABRANCH_BUF");
    ASSERT_NE(buf, nullptr) << "ANABRANCH_BUF must name buf; ./dev test does";
    buf_ = buf;
    ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
    ASSERT_NO_FATAL_FAILURE(StartWorker());
  }

  support::Finished Shell(const std::string& line) {
    const std::string call = absl::StrCat(
        "call() { \"$0\" curl --protocol grpc --http2-prior-knowledge "
        "--reflect-protocol grpc-v1alpha -d \"$2\" \"http://",
        cluster_->address(), "/anabranch.v1.$1\" 2>&1; }\n");
    auto ran = support::RunProcess(
        {.program = "/bin/bash",
         .arguments = {"-c", absl::StrCat(call, line), buf_},
         .environment = {{"HOME", folder_->path()}}},
        support::kPatience);
    EXPECT_TRUE(ran.ok()) << line << ": " << ran.status();
    return ran.ok() ? *ran : support::Finished();
  }

  std::string buf_;
};

// buf prints details as base64, without padding.
std::string DetailsOf(const std::string& out) {
  std::string details;
  for (const absl::string_view line : absl::StrSplit(out, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, '"');
    std::string bytes;
    if (parts.size() > 3 && parts[1] == "value" &&
        absl::Base64Unescape(parts[3], &bytes)) {
      absl::StrAppend(&details, bytes);
    }
  }
  return details;
}

TEST_F(ApiByExample, EachLineWorksAsItStands) {
  const std::vector<Example> examples = ReadExamples();
  ASSERT_GT(examples.size(), 30u);
  for (const Example& example : examples) {
    SCOPED_TRACE(example.line);
    const support::Finished ran = Shell(example.line);
    if (example.reason.empty()) {
      EXPECT_EQ(ran.end.exit_code, 0) << ran.out;
    } else {
      EXPECT_NE(ran.end.exit_code, 0) << ran.out;
      EXPECT_THAT(DetailsOf(ran.out), HasSubstr(example.reason)) << ran.out;
    }
  }
}

TEST_F(ApiByExample, EveryMethodIsShown) {
  const auto listed = support::RunProcess(
      {.program = buf_,
       .arguments = {"curl", "--protocol", "grpc", "--http2-prior-knowledge",
                     "--reflect-protocol", "grpc-v1alpha", "--list-methods",
                     "http://" + cluster_->address()},
       .environment = {{"HOME", folder_->path()}}},
      support::kPatience);
  ASSERT_TRUE(listed.ok()) << listed.status();
  const auto path = support::FindSourceFile("docs/api.md");
  ASSERT_TRUE(path.ok()) << path.status();
  std::ifstream file(*path);
  const std::string page((std::istreambuf_iterator<char>(file)),
                         std::istreambuf_iterator<char>());
  int methods = 0;
  for (absl::string_view method : absl::StrSplit(listed->out, '\n')) {
    if (!absl::ConsumePrefix(&method, "anabranch.v1.")) continue;
    ++methods;
    EXPECT_THAT(page, HasSubstr(std::string(method)));
  }
  EXPECT_GT(methods, 25);
}

}  // namespace
}  // namespace anabranch::e2e
