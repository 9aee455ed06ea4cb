#include "orchestrator/rpc/progress_hub.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace anabranch::rpc {
namespace {

constexpr Uid kRun{7};
constexpr ActivityId kActivity{kRun, 3};

std::string Join(const std::vector<anabranch::v1::ActivityProgress>& pieces) {
  std::string text;
  for (const auto& piece : pieces) text += piece.text();
  return text;
}

TEST(ProgressHub, ReadsByOffset) {
  ProgressHub hub;
  hub.Add(kActivity, 1, 0, "Hello ");
  hub.Add(kActivity, 1, 6, "world");
  EXPECT_EQ(Join(hub.Read(kRun, {}, 1000)), "Hello world");
  auto pieces = hub.Read(kRun, {{3, {1, 6}}}, 1000);
  ASSERT_EQ(pieces.size(), 1);
  EXPECT_EQ(pieces[0].text(), "world");
  EXPECT_EQ(pieces[0].offset(), 6);
  EXPECT_TRUE(hub.Read(kRun, {{3, {1, 11}}}, 1000).empty());
  EXPECT_TRUE(hub.Read(Uid{8}, {}, 1000).empty());
}

TEST(ProgressHub, SkipsWhatIsSentAgain) {
  ProgressHub hub;
  hub.Add(kActivity, 1, 0, "abc");
  hub.Add(kActivity, 1, 1, "bcd");
  hub.Add(kActivity, 1, 0, "a");
  EXPECT_EQ(Join(hub.Read(kRun, {}, 1000)), "abcd");
}

TEST(ProgressHub, NewAttemptReplacesTheOldOne) {
  ProgressHub hub;
  hub.Add(kActivity, 1, 0, "first");
  hub.Add(kActivity, 2, 0, "second");
  hub.Add(kActivity, 1, 5, "stale");
  auto pieces = hub.Read(kRun, {{3, {1, 5}}}, 1000);
  ASSERT_EQ(pieces.size(), 1);
  EXPECT_EQ(pieces[0].attempt(), 2);
  EXPECT_EQ(pieces[0].text(), "second");
}

TEST(ProgressHub, AHoleStartsAnew) {
  ProgressHub hub;
  hub.Add(kActivity, 1, 100, "late");
  auto pieces = hub.Read(kRun, {}, 1000);
  ASSERT_EQ(pieces.size(), 1);
  EXPECT_EQ(pieces[0].offset(), 100);
}

TEST(ProgressHub, KeepsABoundedTailOfWholeCharacters) {
  ProgressHub hub;
  std::string chunk;
  for (int i = 0; i < 1000; ++i) chunk += "äöü";
  int64_t offset = 0;
  for (int i = 0; i < 100; ++i) {
    hub.Add(kActivity, 1, offset, chunk);
    offset += static_cast<int64_t>(chunk.size());
  }
  EXPECT_LE(hub.bytes(), limits::kProgressBytesMax + 1024);
  auto pieces = hub.Read(kRun, {}, 10'000'000);
  ASSERT_FALSE(pieces.empty());
  EXPECT_EQ(pieces[0].offset() % 2, 0);
  EXPECT_EQ(pieces.back().offset() +
                static_cast<int64_t>(pieces.back().text().size()),
            offset);
}

TEST(ProgressHub, KeepsAClosedRunWhileItIsWatched) {
  ProgressHub hub;
  hub.Watch(kRun);
  hub.Add(kActivity, 1, 0, "last words");
  hub.RunClosed(kRun);
  EXPECT_EQ(Join(hub.Read(kRun, {}, 1000)), "last words");
  hub.Unwatch(kRun);
  EXPECT_EQ(hub.bytes(), 0);
}

TEST(ProgressHub, KeepsNothingOfAClosedRun) {
  ProgressHub hub;
  hub.Add(kActivity, 1, 0, "x");
  hub.RunClosed(kRun);
  EXPECT_EQ(hub.bytes(), 0);
  hub.Add(kActivity, 1, 1, "late");
  EXPECT_EQ(hub.bytes(), 0);
}

TEST(ProgressHub, EvictsTheLongestSilentWhenAllIsTooMuch) {
  ProgressHub hub;
  std::string big(limits::kProgressBytesMax, 'x');
  for (int64_t seq = 1; seq <= 400; ++seq) {
    hub.Add(ActivityId{kRun, seq}, 1, 0, big);
  }
  EXPECT_LE(hub.bytes(), 64 * 1024 * 1024);
  EXPECT_TRUE(hub.Read(kRun, {}, 1).front().seq() > 1);
}

}  // namespace
}  // namespace anabranch::rpc
