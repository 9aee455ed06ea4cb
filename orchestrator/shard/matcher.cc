#include "orchestrator/shard/matcher.h"

namespace anabranch::shard {

void Matcher::Ready(ActivityId id, const std::string& type) {
  if (places_.contains(id)) return;
  Place place{type, next_order_++};
  ready_[type].emplace(place.order, id);
  places_.emplace(id, std::move(place));
}

void Matcher::Remove(ActivityId id) {
  auto it = places_.find(id);
  if (it == places_.end()) return;
  auto queue = ready_.find(it->second.type);
  queue->second.erase({it->second.order, id});
  if (queue->second.empty()) ready_.erase(queue);
  places_.erase(it);
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
