#include "orchestrator/rpc/run_notifier.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace anabranch::rpc {
namespace {

TEST(RunNotifier, WakesSubscribersOfTheRunOnly) {
  RealClock clock;
  RunNotifier notifier(clock);
  std::promise<Wake> woken;
  bool other = false;
  notifier.Subscribe(Uid{1}, [&](Wake wake) {
    if (!wake.stopping) woken.set_value(wake);
  });
  notifier.Subscribe(Uid{2}, [&](Wake wake) { other |= !wake.stopping; });
  notifier.RunChanged(Uid{1});
  EXPECT_TRUE(woken.get_future().get().changed);
  notifier.Stop();
  EXPECT_FALSE(other);
}

TEST(RunNotifier, CoalescesWhatComesWhileACallIsDue) {
  RealClock clock;
  RunNotifier notifier(clock);
  std::promise<void> hold;
  std::promise<void> held;
  notifier.RunSoon([&] {
    held.set_value();
    hold.get_future().wait();
  });
  held.get_future().wait();
  std::vector<Wake> wakes;
  notifier.Subscribe(Uid{1}, [&](Wake wake) { wakes.push_back(wake); });
  notifier.RunChanged(Uid{1});
  notifier.ProgressArrived(Uid{1});
  notifier.RunChanged(Uid{1});
  hold.set_value();
  notifier.Stop();
  ASSERT_FALSE(wakes.empty());
  EXPECT_TRUE(wakes[0].changed);
  EXPECT_TRUE(wakes[0].progress);
  EXPECT_LE(wakes.size(), 2);
}

TEST(RunNotifier, RunsTimersInOrderAndNotCancelledOnes) {
  RealClock clock;
  RunNotifier notifier(clock);
  std::vector<int> order;
  std::promise<void> done;
  uint64_t cancelled =
      notifier.RunAfter(absl::Milliseconds(1), [&] { order.push_back(99); });
  notifier.CancelTimer(cancelled);
  notifier.RunAfter(absl::Milliseconds(20), [&] {
    order.push_back(2);
    done.set_value();
  });
  notifier.RunAfter(absl::Milliseconds(5), [&] { order.push_back(1); });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(RunNotifier, UnsubscribedIsNotCalled) {
  RealClock clock;
  RunNotifier notifier(clock);
  int calls = 0;
  uint64_t id = notifier.Subscribe(Uid{1}, [&](Wake) { ++calls; });
  notifier.Unsubscribe(id);
  notifier.RunChanged(Uid{1});
  notifier.Stop();
  EXPECT_EQ(calls, 0);
}

TEST(RunNotifier, StopTellsWhoWaitsAndWhoComesLater) {
  RealClock clock;
  RunNotifier notifier(clock);
  int stopped = 0;
  auto count = [&](Wake wake) { stopped += wake.stopping ? 1 : 0; };
  notifier.Subscribe(Uid{1}, count);
  notifier.Stop();
  EXPECT_EQ(stopped, 1);
  notifier.Subscribe(Uid{1}, count);
  EXPECT_EQ(stopped, 2);
}

}  // namespace
}  // namespace anabranch::rpc
