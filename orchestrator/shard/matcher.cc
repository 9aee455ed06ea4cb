#include "orchestrator/shard/matcher.h"

#include <iterator>
#include <utility>

#include "sdk/activity_defaults.h"

namespace anabranch::shard {

Demand DemandOf(const storage::v1::ActivityRecord& record) {
  const auto& options = record.scheduled().options();
  Demand demand;
  demand.type = record.info().activity_type();
  demand.queue = options.task_queue();
  demand.key = options.concurrency_key();
  // Recorded before there were queues and priorities.
  if (demand.queue.empty()) demand.queue = sdk::kDefaultTaskQueue;
  if (options.priority() != 0) demand.priority = options.priority();
  return demand;
}

// --- offers ---

void Matcher::Ready(ActivityId id, const Demand& demand) {
  auto [it, fresh] = places_.try_emplace(id);
  if (!fresh) return;
  Place& place = it->second;
  place.demand = demand;
  place.entry = {id, demand.priority, next_order_++};
  ++queues_[demand.queue].ready;
  changed_.insert(demand.queue);
  Put(place);
}

void Matcher::Remove(ActivityId id) {
  auto it = places_.find(id);
  if (it == places_.end()) return;
  const Place place = std::move(it->second);
  places_.erase(it);
  Withdraw(place);
  --queues_.at(place.demand.queue).ready;
  changed_.insert(place.demand.queue);
  ForgetIfIdle(place.demand.queue);
}

void Matcher::Put(Place& place) {
  if (held_.contains(place.entry.id.uid)) {
    place.where = Where::kHeld;
    return;
  }
  const Demand& demand = place.demand;
  Queue& queue = queues_.at(demand.queue);
  if (KeyIsFull(queue, demand.key)) {
    place.where = Where::kAside;
    queue.keys.at(demand.key)
        .aside[demand.type]
        .Push(place.entry, next_turn_++);
  } else {
    place.where = Where::kLane;
    queue.lanes[demand.type].Push(place.entry, next_turn_++);
  }
}

void Matcher::TakeOut(const Place& place) {
  if (place.where == Where::kHeld) return;
  const Demand& demand = place.demand;
  Queue& queue = queues_.at(demand.queue);
  auto& waiting = place.where == Where::kLane ? queue.lanes
                                              : queue.keys.at(demand.key).aside;
  auto of_type = waiting.find(demand.type);
  of_type->second.Remove(place.entry);
  if (of_type->second.empty()) waiting.erase(of_type);
}

void Matcher::Withdraw(const Place& place) {
  TakeOut(place);
  const Demand& demand = place.demand;
  Queue& queue = queues_.at(demand.queue);
  auto key = queue.keys.find(demand.key);
  if (key == queue.keys.end()) return;
  if (place.where == Where::kLane && !KeyIsFull(queue, demand.key)) {
    BringBack(queue, key->second, demand.type);
  }
  ForgetIfIdle(queue, demand.key);
}

void Matcher::BringBack(Queue& queue, Key& key, const std::string& type) {
  auto waiting = key.aside.find(type);
  if (waiting == key.aside.end()) return;
  Place& place = places_.at(waiting->second.First()->id);
  queue.lanes[type].Push(place.entry, next_turn_++);
  // By its own copy of the type: `type` may be the one that goes.
  TakeOut(place);
  place.where = Where::kLane;
}

void Matcher::BringBackOneOfEach(Queue& queue, Key& key) {
  std::vector<std::string> types;
  types.reserve(key.aside.size());
  for (const auto& [type, waiting] : key.aside) types.push_back(type);
  for (const std::string& type : types) BringBack(queue, key, type);
}

void Matcher::BringBackAll(Queue& queue) {
  for (auto& [name, key] : queue.keys) {
    while (!key.aside.empty()) BringBackOneOfEach(queue, key);
  }
  std::erase_if(queue.keys,
                [](const auto& entry) { return entry.second.in_use == 0; });
}

// --- grants ---

std::optional<FairQueue::Head> Matcher::FirstOf(Queue& queue, Lane lane) {
  while (auto head = lane->second.First()) {
    Place& place = places_.at(head->id);
    const std::string& key = place.demand.key;
    if (!KeyIsFull(queue, key)) return head;
    lane->second.Remove(place.entry);
    place.where = Where::kAside;
    queue.keys.at(key).aside[lane->first].Push(place.entry, next_turn_++);
  }
  return std::nullopt;
}

std::optional<Matcher::Match> Matcher::Next(Sessions& sessions,
                                            absl::Duration now) {
  std::optional<FairQueue::Head> first;
  Match match;
  for (auto& [name, queue] : queues_) {
    if (queue.lanes.empty() || !queue.rate.Allows(now)) continue;
    for (auto lane = queue.lanes.begin(); lane != queue.lanes.end();) {
      auto head = FirstOf(queue, lane);
      if (!head.has_value()) {
        lane = queue.lanes.erase(lane);
        continue;
      }
      if (!first.has_value() || *head < *first) {
        Session* session = sessions.PickFor(name, lane->first);
        if (session != nullptr) {
          first = head;
          match = {head->id, session};
        }
      }
      ++lane;
    }
  }
  if (!first.has_value()) return std::nullopt;
  Take(match, now);
  return match;
}

void Matcher::Take(const Match& match, absl::Duration now) {
  auto it = places_.find(match.id);
  const Place place = std::move(it->second);
  places_.erase(it);
  const Demand& demand = place.demand;
  Queue& queue = queues_.at(demand.queue);
  queue.lanes.at(demand.type)
      .EndTurn(match.id.uid, demand.priority, next_turn_++);
  TakeOut(place);
  --queue.ready;
  if (queue.rate.limited()) queue.rate.Take(now);
  Running(match.id, demand);
}

void Matcher::Running(ActivityId id, const Demand& demand) {
  if (!running_.try_emplace(id, demand).second) return;
  Queue& queue = queues_[demand.queue];
  ++queue.running;
  if (!demand.key.empty()) ++queue.keys[demand.key].in_use;
  changed_.insert(demand.queue);
}

void Matcher::Ended(ActivityId id) {
  auto it = running_.find(id);
  if (it == running_.end()) return;
  const Demand demand = std::move(it->second);
  running_.erase(it);
  Queue& queue = queues_.at(demand.queue);
  --queue.running;
  changed_.insert(demand.queue);
  if (!demand.key.empty()) {
    Key& key = queue.keys.at(demand.key);
    --key.in_use;
    if (!KeyIsFull(queue, demand.key)) BringBackOneOfEach(queue, key);
    ForgetIfIdle(queue, demand.key);
  }
  ForgetIfIdle(demand.queue);
}

void Matcher::NeverDelivered(ActivityId id) {
  auto it = running_.find(id);
  if (it == running_.end()) return;
  queues_.at(it->second.queue).rate.GiveBack();
  Ended(id);
}

// --- paused runs ---

void Matcher::Hold(Uid run) {
  if (!held_.insert(run).second) return;
  for (auto it = places_.lower_bound({run, 0});
       it != places_.end() && it->first.uid == run; ++it) {
    Withdraw(it->second);
    it->second.where = Where::kHeld;
  }
}

void Matcher::Unhold(Uid run) {
  if (held_.erase(run) == 0) return;
  for (auto it = places_.lower_bound({run, 0});
       it != places_.end() && it->first.uid == run; ++it) {
    Put(it->second);
  }
}

// --- limits ---

int64_t Matcher::KeyLimit(const Queue& queue, const std::string& key) {
  if (key.empty() || !queue.settings.has_value()) return 0;
  auto own = queue.settings->key_limits().find(key);
  return own != queue.settings->key_limits().end()
             ? own->second
             : queue.settings->default_key_limit();
}

bool Matcher::KeyIsFull(const Queue& queue, const std::string& key) {
  const int64_t limit = KeyLimit(queue, key);
  if (limit == 0) return false;
  auto it = queue.keys.find(key);
  return it != queue.keys.end() && it->second.in_use >= limit;
}

void Matcher::ForgetIfIdle(Queue& queue, const std::string& key) {
  auto it = queue.keys.find(key);
  if (it != queue.keys.end() && it->second.in_use == 0 &&
      it->second.aside.empty()) {
    queue.keys.erase(it);
  }
}

void Matcher::ForgetIfIdle(const std::string& name) {
  auto it = queues_.find(name);
  if (it->second.ready == 0 && it->second.running == 0 &&
      !it->second.settings.has_value()) {
    queues_.erase(it);
  }
}

void Matcher::Configure(const storage::v1::TaskQueueRecord& record,
                        absl::Duration now) {
  Queue& queue = queues_[record.name()];
  const bool limits = record.tasks_per_second() > 0 ||
                      record.default_key_limit() > 0 ||
                      !record.key_limits().empty();
  configured_ +=
      static_cast<int>(limits) - static_cast<int>(queue.settings.has_value());
  RateLimit rate;
  if (record.tasks_per_second() > 0) {
    rate = RateLimit(record.tasks_per_second(), record.burst());
    rate.Continue(queue.rate, now);
  }
  queue.rate = rate;
  queue.settings.reset();
  if (limits) queue.settings = record;
  // Whoever finds no unit under the new limits is set aside again.
  BringBackAll(queue);
  changed_.insert(record.name());
  ForgetIfIdle(record.name());
}

bool Matcher::IsConfigured(const std::string& queue) const {
  auto it = queues_.find(queue);
  return it != queues_.end() && it->second.settings.has_value();
}

std::optional<absl::Duration> Matcher::NextDue(absl::Duration now) const {
  std::optional<absl::Duration> next;
  for (const auto& [name, queue] : queues_) {
    if (queue.lanes.empty() || queue.rate.Allows(now)) continue;
    const absl::Duration due = queue.rate.NextAllowed();
    if (!next.has_value() || due < *next) next = due;
  }
  return next;
}

std::vector<v1::TaskQueue> Matcher::TakeChanged() {
  std::vector<v1::TaskQueue> changed;
  for (const std::string& name : std::exchange(changed_, {})) {
    v1::TaskQueue& shown = changed.emplace_back();
    shown.set_name(name);
    auto it = queues_.find(name);
    if (it == queues_.end()) continue;
    shown.set_ready(it->second.ready);
    shown.set_running(it->second.running);
    if (!it->second.settings.has_value()) continue;
    const auto& record = *it->second.settings;
    v1::TaskQueueSettings& settings = *shown.mutable_settings();
    settings.set_tasks_per_second(record.tasks_per_second());
    settings.set_burst(record.burst());
    settings.set_default_key_limit(record.default_key_limit());
    *settings.mutable_key_limits() = record.key_limits();
  }
  return changed;
}

}  // namespace anabranch::shard
