#include "base/build_id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anabranch {
namespace {

TEST(BuildId, NamesVersionAndBuild) {
  EXPECT_THAT(BuildId(), ::testing::MatchesRegex("0\\.1\\.0\\+[0-9a-f]+"));
  EXPECT_EQ(BuildId().size(), 5 + 1 + 16);
  EXPECT_EQ(&BuildId(), &BuildId());
}

}  // namespace
}  // namespace anabranch
