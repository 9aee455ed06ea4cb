#include "orchestrator/shard/fair_queue.h"

namespace anabranch::shard {

void FairQueue::Push(const Entry& entry, uint64_t turn) {
  Level& level = LevelOf(entry.priority);
  auto [line, fresh] = level.lines.try_emplace(entry.id.uid);
  if (fresh) {
    line->second.turn = turn;
    level.turns.emplace(turn, entry.id.uid);
  }
  line->second.waiting.emplace(entry.order, entry.id.seq);
  ++size_;
}

void FairQueue::Remove(const Entry& entry) {
  Level& level = LevelOf(entry.priority);
  auto line = level.lines.find(entry.id.uid);
  line->second.waiting.erase({entry.order, entry.id.seq});
  --size_;
  if (!line->second.waiting.empty()) return;
  level.turns.erase(line->second.turn);
  level.lines.erase(line);
}

void FairQueue::EndTurn(Uid run, int priority, uint64_t turn) {
  Level& level = LevelOf(priority);
  auto line = level.lines.find(run);
  if (line == level.lines.end()) return;
  level.turns.erase(line->second.turn);
  line->second.turn = turn;
  level.turns.emplace(turn, run);
}

std::optional<FairQueue::Head> FairQueue::First() const {
  for (size_t i = 0; i < levels_.size(); ++i) {
    const Level& level = levels_[i];
    if (level.turns.empty()) continue;
    const auto& [turn, run] = *level.turns.begin();
    const auto& [order, seq] = *level.lines.at(run).waiting.begin();
    return Head{static_cast<int>(i) + 1, turn, order, {run, seq}};
  }
  return std::nullopt;
}

}  // namespace anabranch::shard
