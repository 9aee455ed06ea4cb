#include "base/random.h"

#include <gtest/gtest.h>

namespace anabranch {
namespace {

TEST(SeededRandom, SameSeedGivesSameSequence) {
  SeededRandom a(7), b(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.Next(), b.Next());
}

TEST(SeededRandom, UnitStaysBelowOne) {
  SeededRandom random(1);
  for (int i = 0; i < 10000; ++i) {
    double u = random.NextUnit();
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
  }
}

TEST(RandomHexId, Has32Digits) {
  SeededRandom random(1);
  EXPECT_EQ(RandomHexId(random).size(), 32u);
}

}  // namespace
}  // namespace anabranch
