// FairQueue: ready activities in the order in which they get their turn.
//
// By priority, then by turns between runs, then in the order of offering
// within a run:
//
//   priority 1   run A ─► a1 a2 a3 …      turn 7: next
//                run B ─► b1              turn 8
//   priority 2   …
//
// A run that has had its turn goes to the end, so that one with 10,000
// activities does not starve one with a single one.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/ids.h"
#include "base/limits.h"

namespace anabranch::shard {

// A value type, under its shard's role. Everything costs O(log n).
class FairQueue {
 public:
  struct Entry {
    ActivityId id;
    // From 1 (first) to limits::kPriorityMax (last).
    int priority = limits::kPriorityDefault;
    // Unique; grows with each offer.
    uint64_t order = 0;
  };
  // What comes first, comparable between queues that count turns together.
  struct Head {
    int priority = 0;
    uint64_t turn = 0;
    uint64_t order = 0;
    ActivityId id;
    auto operator<=>(const Head&) const = default;
  };

  // A run that had nothing here takes `turn`; turns must grow.
  void Push(const Entry& entry, uint64_t turn);
  // The entry must be there. Its run keeps its turn for what else it has.
  void Remove(const Entry& entry);
  // The run has had its turn: its next one is `turn`.
  void EndTurn(Uid run, int priority, uint64_t turn);

  std::optional<Head> First() const;
  bool empty() const { return size_ == 0; }

 private:
  struct Line {
    uint64_t turn = 0;
    std::set<std::pair<uint64_t, int64_t>> waiting;  // order, seq
  };
  struct Level {
    std::map<Uid, Line> lines;
    std::map<uint64_t, Uid> turns;
  };
  Level& LevelOf(int priority) {
    return levels_[static_cast<size_t>(priority) - 1];
  }

  std::array<Level, limits::kPriorityMax> levels_;
  size_t size_ = 0;
};

}  // namespace anabranch::shard
