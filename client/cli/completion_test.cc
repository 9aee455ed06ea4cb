#include "client/cli/completion.h"

#include <string>

#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CompletionTest : public testing::CliTest {
 protected:
  std::string Offered(std::vector<std::string> words) {
    words.insert(words.begin(), {"complete", "--"});
    EXPECT_EQ(Run(words), 0) << err;
    return out;
  }
};

TEST_F(CompletionTest, OffersCommandsByTheirBeginning) {
  EXPECT_EQ(Offered({"ru"}), "run\nruns\n");
  EXPECT_EQ(Offered({"runs", "h"}), "history\n");
  EXPECT_EQ(Offered({"no-such-thing"}), "");
}

TEST_F(CompletionTest, OffersAllCommandsAtAnEmptyWord) {
  EXPECT_THAT(Offered({""}), HasSubstr("conversations\n"));
  EXPECT_THAT(Offered({"runs", ""}), HasSubstr("watch\n"));
  EXPECT_THAT(Offered({""}), Not(HasSubstr("complete\n")));
}

TEST_F(CompletionTest, OffersTheOptionsOfTheCommand) {
  EXPECT_EQ(Offered({"runs", "list", "--fi"}), "--filter\n");
  EXPECT_EQ(Offered({"--addr"}), "--address\n");
}

TEST_F(CompletionTest, LeavesTheValueOfAnOptionToTheShell) {
  EXPECT_EQ(Offered({"run", "--input", ""}), "");
  // And what follows it is not taken for a command.
  EXPECT_EQ(Offered({"--address", "runs", "st"}), "status\n");
}

TEST_F(CompletionTest, ScriptsAskTheProgramItself) {
  EXPECT_EQ(Run({"completion", "bash"}), 0);
  EXPECT_THAT(out, HasSubstr("complete -o filenames -F _anabranch anabranch"));
  EXPECT_EQ(Run({"completion", "zsh"}), 0);
  EXPECT_THAT(out, HasSubstr("compdef _anabranch anabranch"));
  EXPECT_EQ(Run({"completion", "fish"}), 2);
  EXPECT_THAT(err, HasSubstr("fish"));
}

}  // namespace
}  // namespace anabranch::cli
