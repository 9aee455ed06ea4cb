// Each file of this folder, with the cache of live flows at 0 (every stimulus
// replays) and at its default: `./dev scenarios --rewrite` writes what comes of
// its commands anew.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/scenarios/scenario.h"

namespace anabranch::scenarios {
namespace {

std::vector<std::string> Files() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/scenarios")) {
    if (entry.path().extension() == ".txt") {
      names.push_back(entry.path().stem());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Scenarios : public ::testing::TestWithParam<std::string> {};

TEST_P(Scenarios, ComeOutAsWritten) {
  std::ifstream file("tests/scenarios/" + GetParam() + ".txt");
  std::ostringstream text;
  text << file.rdbuf();
  for (size_t live_flows : {0, limits::kLiveFlowsDefault}) {
    auto played = PlayScenario(text.str(), live_flows);
    ASSERT_TRUE(played.ok()) << played.status();
    EXPECT_EQ(*played, text.str())
        << "with " << live_flows << " live flows; "
        << "./dev scenarios --rewrite writes it anew";
  }
}

TEST_P(Scenarios, ShowAHistory) {
  std::ifstream file("tests/scenarios/" + GetParam() + ".txt");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find("\nhistory "), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Files, Scenarios, ::testing::ValuesIn(Files()),
                         [](const auto& info) { return info.param; });

TEST(PlayScenario, ErrorsNameTheLine) {
  auto played = PlayScenario("# It proves nothing.\n\nstrat r1\n", 0);
  EXPECT_EQ(std::string(played.status().message()),
            "line 3: `strat r1`: unknown verb; tests/scenarios/player.h lists "
            "them");
}

TEST(PlayScenario, TheFirstLineSaysWhatItProves) {
  EXPECT_FALSE(PlayScenario("start r1\n  call echo 1\n", 0).ok());
}

}  // namespace
}  // namespace anabranch::scenarios
