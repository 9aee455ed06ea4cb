#include "base/proto_time.h"

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace anabranch {
namespace {

TEST(ProtoTime, TimesBeforeAndAfterTheEpochRoundTrip) {
  for (int64_t nanos : {-1'500'000'001LL, 0LL, 1'700'000'000'123'456'789LL}) {
    absl::Time time = absl::FromUnixNanos(nanos);
    auto proto = ToProto(time);
    EXPECT_GE(proto.nanos(), 0);
    EXPECT_EQ(FromProto(proto), time);
  }
}

TEST(ProtoTime, DurationsRoundTripWithOneSign) {
  absl::Duration duration = absl::Milliseconds(-1500);
  auto proto = ToProto(duration);
  EXPECT_EQ(proto.seconds(), -1);
  EXPECT_EQ(proto.nanos(), -500'000'000);
  EXPECT_EQ(FromProto(proto), duration);
}

TEST(Sha256Hex, IsTheStandardDigest) {
  EXPECT_EQ(Sha256Hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace anabranch
