#include "client/cli/token_printer.h"

#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

v1::ActivityProgress Progress(int64_t seq, int32_t attempt, int64_t offset,
                              const std::string& text) {
  v1::ActivityProgress progress;
  progress.set_seq(seq);
  progress.set_attempt(attempt);
  progress.set_offset(offset);
  progress.set_text(text);
  return progress;
}

class TokenPrinterTest : public ::testing::Test {
 protected:
  std::ostringstream out_;
};

TEST_F(TokenPrinterTest, ShowsALoneStreamAsItComes) {
  TokenPrinter printer(out_, /*raw=*/true);
  printer.SetLabel(1, "a");
  printer.Take(Progress(1, 1, 0, "Hel"));
  EXPECT_EQ(out_.str(), "Hel");
  printer.Take(Progress(1, 1, 3, "lo"));
  printer.End(1);
  EXPECT_EQ(out_.str(), "Hello\n");
}

TEST_F(TokenPrinterTest, LabelsLinesOfSeveralStreams) {
  TokenPrinter printer(out_, /*raw=*/false);
  printer.SetLabel(1, "opus/turn-1");
  printer.SetLabel(2, "haiku/turn-1");
  printer.Take(Progress(1, 1, 0, "one\ntw"));
  printer.Take(Progress(2, 1, 0, "three\n"));
  printer.Take(Progress(1, 1, 6, "o"));
  EXPECT_EQ(out_.str(), "[opus/turn-1] one\n[haiku/turn-1] three\n");
  printer.End(1);
  printer.End(2);
  EXPECT_EQ(out_.str(),
            "[opus/turn-1] one\n[haiku/turn-1] three\n[opus/turn-1] two\n");
}

TEST_F(TokenPrinterTest, PrintsNothingTwiceAfterAReconnection) {
  TokenPrinter printer(out_, /*raw=*/true);
  printer.Take(Progress(1, 1, 0, "abc"));
  printer.Take(Progress(1, 1, 0, "abc"));
  printer.Take(Progress(1, 1, 0, "abcde"));
  EXPECT_EQ(out_.str(), "abcde");
}

TEST_F(TokenPrinterTest, MarksAGap) {
  TokenPrinter printer(out_, /*raw=*/true);
  printer.Take(Progress(1, 1, 0, "abc"));
  printer.Take(Progress(1, 1, 10, "xyz"));
  EXPECT_EQ(out_.str(), "abc […] xyz");
}

TEST_F(TokenPrinterTest, StartsAnewWithTheNextAttempt) {
  TokenPrinter printer(out_, /*raw=*/true);
  printer.SetLabel(1, "a");
  printer.Take(Progress(1, 1, 0, "abc"));
  printer.Take(Progress(1, 2, 0, "xyz"));
  printer.Take(Progress(1, 1, 3, "late"));
  EXPECT_EQ(out_.str(), "abc\n[a] attempt 2 begins anew\nxyz");
}

TEST_F(TokenPrinterTest, BreaksLongLinesAtBlanks) {
  TokenPrinter printer(out_, /*raw=*/false);
  printer.SetLabel(1, "a");
  std::string text;
  for (int i = 0; i < 40; ++i) text += "word ";
  printer.Take(Progress(1, 1, 0, text));
  printer.End(1);
  std::istringstream lines(out_.str());
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    EXPECT_LE(line.size(), 110u);
    EXPECT_EQ(line.substr(0, 8), "[a] word");
    ++count;
  }
  EXPECT_GE(count, 2);
}

}  // namespace
}  // namespace anabranch::cli
