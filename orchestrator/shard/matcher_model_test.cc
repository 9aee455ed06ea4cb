// The matcher against a naive model: random operations from a seed, and after
// each look for a grant everything that must hold of it, found by looking at
// all that there is.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.h"
#include "orchestrator/shard/matcher.h"

namespace anabranch::shard {
namespace {

constexpr int kSeeds = 20;
constexpr int kSteps = 1500;

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    for (uint64_t i = 0; i < 3; ++i) Connect(i);
  }

  void Step() {
    now_ += absl::Milliseconds(random_.NextBelow(40));
    switch (random_.NextBelow(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        Offer();
        break;
      case 4:
        TakeBack();
        break;
      case 5:
      case 6:
        End();
        break;
      case 7:
        Pause();
        break;
      case 8:
        Limit();
        break;
      case 9:
        GiveCredit();
        break;
      default:
        Grant();
        break;
    }
  }

  // Everything goes in the end, whatever was held or limited.
  void Finish() {
    for (Uid run : std::set<Uid>(held_)) Unhold(run);
    for (const char* queue : kQueues) Configure(queue, 0, 0);
    Connect(3);
    for (auto& [id, session] : sessions_.all()) session.credit = 1'000'000;
    while (!::testing::Test::HasFailure() && Grant()) {
    }
    for (const auto& [id, demand] : offered_) {
      ADD_FAILURE() << "not granted: seq " << id.seq << " of " << demand.queue;
    }
  }

 private:
  static constexpr const char* kQueues[] = {"default", "gpu"};
  static constexpr const char* kTypes[] = {"echo", "compare", "idle"};

  struct Bucket {
    double per_second = 0;
    double burst = 0;
    double left = 0;
    absl::Duration at = absl::ZeroDuration();
  };

  void Connect(uint64_t n) {
    api::Hello hello;
    hello.set_session("s" + std::to_string(n));
    hello.set_slots(1000);
    hello.add_activity_types("echo");
    if (n != 1) hello.add_activity_types("compare");
    // The last one, which comes in the end, leaves nothing without a worker.
    if (n == 3) hello.add_activity_types("idle");
    if (n != 0) hello.add_task_queues("gpu");
    if (n != 1) hello.add_task_queues("default");
    sessions_.Connect({n + 1}, hello, {absl::UnixEpoch(), now_});
  }

  void Offer() {
    ActivityId id{Uid{1 + random_.NextBelow(5)}, ++last_seq_};
    Demand demand;
    demand.queue = kQueues[random_.NextBelow(2)];
    demand.type = kTypes[random_.NextBelow(16) == 0 ? 2 : random_.NextBelow(2)];
    demand.priority = static_cast<int>(2 + random_.NextBelow(2));
    if (random_.NextBelow(2) == 0) {
      demand.key = "k" + std::to_string(random_.NextBelow(2));
    }
    offered_[id] = demand;
    matcher_.Ready(id, demand);
  }

  void TakeBack() {
    if (offered_.empty()) return;
    auto it = offered_.begin();
    std::advance(it, random_.NextBelow(offered_.size()));
    matcher_.Remove(it->first);
    offered_.erase(it);
  }

  void End() {
    if (running_.empty()) return;
    auto it = running_.begin();
    std::advance(it, random_.NextBelow(running_.size()));
    if (random_.NextBelow(4) == 0) {
      Bucket& bucket = buckets_[it->second.queue];
      bucket.left += 1;
      matcher_.NeverDelivered(it->first);
    } else {
      matcher_.Ended(it->first);
    }
    running_.erase(it);
  }

  void Pause() {
    Uid run{1 + random_.NextBelow(5)};
    if (held_.contains(run)) {
      Unhold(run);
    } else {
      held_.insert(run);
      matcher_.Hold(run);
      grants_since_.erase(run);
    }
  }

  void Unhold(Uid run) {
    held_.erase(run);
    matcher_.Unhold(run);
    Forget();
  }

  void Limit() {
    if (random_.NextBelow(6) != 0) return;
    Configure(kQueues[random_.NextBelow(2)], random_.NextBelow(2) == 0 ? 0 : 20,
              static_cast<int>(random_.NextBelow(4)));
  }

  void Configure(const std::string& queue, double per_second, int key_limit) {
    storage::v1::TaskQueueRecord record;
    record.set_name(queue);
    record.set_tasks_per_second(per_second);
    record.set_burst(3);
    record.set_default_key_limit(key_limit);
    matcher_.Configure(record, now_);
    key_limits_[queue] = key_limit;
    Bucket& bucket = buckets_[queue];
    // The model forgives what the change of a rate may count differently.
    bucket = {per_second, 3, 3, now_};
    Forget();
  }

  void GiveCredit() {
    for (auto& [id, session] : sessions_.all()) {
      session.credit = static_cast<int>(random_.NextBelow(3));
    }
  }

  bool Servable(const Demand& demand) {
    return sessions_.PickFor(demand.queue, demand.type) != nullptr;
  }
  bool KeyHasRoom(const Demand& demand) {
    const int limit = key_limits_[demand.queue];
    if (demand.key.empty() || limit == 0) return true;
    int in_use = 0;
    for (const auto& [id, other] : running_) {
      in_use += other.queue == demand.queue && other.key == demand.key ? 1 : 0;
    }
    return in_use < limit;
  }
  double Left(Bucket& bucket) {
    bucket.left = std::min(
        bucket.burst, bucket.left + absl::ToDoubleSeconds(now_ - bucket.at) *
                                        bucket.per_second);
    bucket.at = now_;
    return bucket.left;
  }
  bool MayGo(ActivityId id, const Demand& demand) {
    return !held_.contains(id.uid) && KeyHasRoom(demand) && Servable(demand);
  }
  // Surely, whatever the model forgives of rates.
  bool SurelyMayGo(ActivityId id, const Demand& demand) {
    return buckets_[demand.queue].per_second == 0 && MayGo(id, demand);
  }

  bool Grant() {
    std::map<ActivityId, Demand> free;
    for (const auto& [id, demand] : offered_) {
      if (SurelyMayGo(id, demand)) free[id] = demand;
    }
    auto match = matcher_.Next(sessions_, now_);
    if (!match.has_value()) {
      EXPECT_TRUE(free.empty())
          << "seq " << free.begin()->first.seq << " could have gone";
      return false;
    }
    auto it = offered_.find(match->id);
    if (it == offered_.end()) {
      ADD_FAILURE() << "not offered: seq " << match->id.seq;
      return false;
    }
    const Demand demand = it->second;
    EXPECT_TRUE(MayGo(match->id, demand)) << "seq " << match->id.seq;
    Bucket& bucket = buckets_[demand.queue];
    if (bucket.per_second > 0) {
      EXPECT_GT(Left(bucket), 0.99);
      bucket.left -= 1;
    }
    for (const auto& [id, other] : free) {
      EXPECT_GE(other.priority, demand.priority)
          << "seq " << id.seq << " should have gone before " << match->id.seq;
    }
    CheckFairness(match->id, demand, free);
    offered_.erase(it);
    running_[match->id] = demand;
    --match->session->credit;
    return true;
  }

  // While a run waits for its turn in a lane, no other run gets two.
  void CheckFairness(ActivityId granted, const Demand& demand,
                     const std::map<ActivityId, Demand>& free) {
    std::set<Uid> waiting;
    for (const auto& [id, other] : free) {
      if (other.key.empty() && other.queue == demand.queue &&
          other.type == demand.type && other.priority == demand.priority &&
          id.uid != granted.uid) {
        waiting.insert(id.uid);
      }
    }
    const Lane lane{demand.queue, demand.type, demand.priority};
    for (auto& [run, lanes] : grants_since_) {
      if (!waiting.contains(run)) lanes.erase(lane);
    }
    grants_since_[granted.uid].erase(lane);
    for (Uid run : waiting) {
      int& others = grants_since_[run][lane][granted.uid];
      EXPECT_LE(++others, 1) << "run " << granted.uid.value
                             << " has had its turn before run " << run.value;
    }
  }
  void Forget() { grants_since_.clear(); }

  using Lane = std::tuple<std::string, std::string, int>;

  SeededRandom random_;
  absl::Duration now_ = absl::Seconds(1);
  Sessions sessions_;
  Matcher matcher_;
  int64_t last_seq_ = 0;
  std::map<ActivityId, Demand> offered_;
  std::map<ActivityId, Demand> running_;
  std::set<Uid> held_;
  std::map<std::string, int> key_limits_;
  std::map<std::string, Bucket> buckets_;
  // By waiting run and lane: what each other run was granted meanwhile.
  std::map<Uid, std::map<Lane, std::map<Uid, int>>> grants_since_;
};

TEST(MatcherModel, EachGrantIsOneThatTheModelAllows) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int i = 0; i < kSteps && !HasFailure(); ++i) model.Step();
    if (!HasFailure()) model.Finish();
    ASSERT_FALSE(HasFailure());
  }
}

}  // namespace
}  // namespace anabranch::shard
