#include "orchestrator/shard/matcher.h"

namespace anabranch::shard {

void Matcher::Ready(ActivityId id, const std::string& type) {
  if (places_.contains(id)) return;
  Place place{type, next_order_++};
  if (!held_.contains(id.uid)) ready_[type].emplace(place.order, id);
  places_.emplace(id, std::move(place));
}

void Matcher::Remove(ActivityId id) {
  auto it = places_.find(id);
  if (it == places_.end()) return;
  TakeOut(id, it->second);
  places_.erase(it);
}

void Matcher::TakeOut(ActivityId id, const Place& place) {
  auto queue = ready_.find(place.type);
  if (queue == ready_.end()) return;
  queue->second.erase({place.order, id});
  if (queue->second.empty()) ready_.erase(queue);
}

void Matcher::Hold(Uid uid) {
  if (!held_.insert(uid).second) return;
  for (auto it = places_.lower_bound({uid, 0});
       it != places_.end() && it->first.uid == uid; ++it) {
    TakeOut(it->first, it->second);
  }
}

void Matcher::Unhold(Uid uid) {
  if (held_.erase(uid) == 0) return;
  for (auto it = places_.lower_bound({uid, 0});
       it != places_.end() && it->first.uid == uid; ++it) {
    ready_[it->second.type].emplace(it->second.order, it->first);
  }
}

std::optional<Matcher::Match> Matcher::Next(Sessions& sessions) {
  for (const auto& [type, queue] : ready_) {
    Session* session = sessions.PickFor(type);
    if (session == nullptr) continue;
    Match match{queue.begin()->second, session};
    Remove(match.id);
    return match;
  }
  return std::nullopt;
}

}  // namespace anabranch::shard
