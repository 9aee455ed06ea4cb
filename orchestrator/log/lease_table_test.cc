#include "orchestrator/log/lease_table.h"

#include "gtest/gtest.h"

namespace anabranch::log {
namespace {

AppendRequest At(int shard, uint64_t epoch, int64_t position) {
  AppendRequest request;
  request.shard = shard;
  request.lease_epoch = epoch;
  request.expected_position = position;
  return request;
}

TEST(LeaseTable, AdmitsTheHoldersBatchesInOrder) {
  LeaseTable table;
  EXPECT_TRUE(table.Admit(At(0, 1, 0)));
  EXPECT_TRUE(table.Admit(At(0, 1, 1)));
  EXPECT_TRUE(table.Admit(At(1, 1, 0)));
  EXPECT_TRUE(table.Admit(At(0, 1, 2)));
}

TEST(LeaseTable, FencesARepeatedAndASkippedPosition) {
  LeaseTable table;
  EXPECT_FALSE(table.Admit(At(0, 1, 1)));
  EXPECT_TRUE(table.Admit(At(0, 1, 0)));
  EXPECT_FALSE(table.Admit(At(0, 1, 0)));
  EXPECT_FALSE(table.Admit(At(0, 1, 2)));
  EXPECT_TRUE(table.Admit(At(0, 1, 1)));
}

TEST(LeaseTable, ANewerLeaseFencesTheOlder) {
  LeaseTable table;
  EXPECT_TRUE(table.Admit(At(0, 1, 0)));
  EXPECT_FALSE(table.Admit(At(0, 2, 1)));
  EXPECT_TRUE(table.Admit(At(0, 2, 0)));
  EXPECT_FALSE(table.Admit(At(0, 1, 1)));
  EXPECT_TRUE(table.Admit(At(0, 2, 1)));
}

TEST(LeaseTable, LeaseZeroIsALease) {
  LeaseTable table;
  EXPECT_TRUE(table.Admit(At(0, 0, 0)));
  EXPECT_TRUE(table.Admit(At(0, 0, 1)));
}

}  // namespace
}  // namespace anabranch::log
