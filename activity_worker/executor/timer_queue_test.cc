#include "activity_worker/executor/timer_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace anabranch::activity_worker {
namespace {

TEST(TimerQueue, FiresInTheOrderOfTimes) {
  TimerQueue timers;
  std::string order;
  timers.Schedule(absl::Seconds(2), [&] { order += "b"; });
  timers.Schedule(absl::Seconds(1), [&] { order += "a"; });
  timers.Schedule(absl::Seconds(2), [&] { order += "c"; });
  EXPECT_EQ(timers.Next(), absl::Seconds(1));
  timers.RunDue(absl::Milliseconds(999));
  EXPECT_EQ(order, "");
  timers.RunDue(absl::Seconds(2));
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(timers.Next(), absl::InfiniteDuration());
}

TEST(TimerQueue, CancelledTimersDoNotFire) {
  TimerQueue timers;
  bool fired = false;
  const TimerId id = timers.Schedule(absl::Seconds(1), [&] { fired = true; });
  timers.Cancel(id);
  timers.Cancel(id);
  timers.Cancel(0);
  timers.RunDue(absl::Seconds(5));
  EXPECT_FALSE(fired);
}

TEST(TimerQueue, ACallbackMayCancelAnother) {
  TimerQueue timers;
  bool fired = false;
  TimerId other = 0;
  timers.Schedule(absl::Seconds(1), [&] { timers.Cancel(other); });
  other = timers.Schedule(absl::Seconds(1), [&] { fired = true; });
  timers.RunDue(absl::Seconds(1));
  EXPECT_FALSE(fired);
}

TEST(TimerQueue, WhatACallbackSchedulesRunsLater) {
  TimerQueue timers;
  int count = 0;
  std::function<void()> again = [&] {
    ++count;
    timers.Schedule(absl::ZeroDuration(), again);
  };
  again();
  timers.RunDue(absl::Seconds(1));
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace anabranch::activity_worker
