#include "orchestrator/log/crc32c.h"

#include <string>

#include "base/random.h"
#include "gtest/gtest.h"

namespace anabranch::log {
namespace {

// RFC 3720, B.4.
TEST(Crc32c, MatchesPublishedValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32c, TableAndInstructionAgreeForAllLengths) {
  SeededRandom random(7);
  std::string data;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Crc32c(data), Crc32cByTable(data)) << data.size();
    data.push_back(static_cast<char>(random.Next()));
  }
}

TEST(Crc32c, ContinuesFromAnEarlierPart) {
  std::string whole = "anabranch returns to the river";
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    EXPECT_EQ(Crc32c(whole.substr(cut), Crc32c(whole.substr(0, cut))),
              Crc32c(whole));
  }
}

}  // namespace
}  // namespace anabranch::log
