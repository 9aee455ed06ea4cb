// ScopeState: one node of the stop-token tree. Internal to sdk/: flow authors
// see Scope.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace anabranch::sdk {

// Cancelling a node cancels all below it. A node lives as long as somebody can
// start something in it, or something that was started in it is open.
class ScopeState {
 public:
  // A waiting receive: the signal's name and the receive's number.
  using ReceiveKey = std::pair<std::string, int64_t>;

  // Without a parent: a root. Below a cancelled parent: born cancelled.
  explicit ScopeState(std::shared_ptr<ScopeState> parent = nullptr);
  ~ScopeState();
  ScopeState(const ScopeState&) = delete;
  ScopeState& operator=(const ScopeState&) = delete;

  bool cancelled() const { return !why_.empty(); }
  // Why, for people; empty while it is not cancelled.
  const std::string& why() const { return why_; }

  // Marks this node and all below it that were not cancelled before, and
  // returns them, parents first.
  std::vector<ScopeState*> MarkCancelled(const std::string& why);

  // What was started in this very node and is open: keys of the Runtime, which
  // owns the futures. A node owns none, lest it keep itself alive.
  std::set<int64_t> open_commands;
  std::set<ReceiveKey> open_receives;
  // They close when the node is cancelled.
  std::set<int64_t> waiters;

 private:
  std::shared_ptr<ScopeState> parent_;
  // In the order of creation, never by address.
  std::map<int64_t, ScopeState*> children_;
  int64_t next_child_ = 0;
  int64_t number_ = 0;
  std::string why_;
};

}  // namespace anabranch::sdk
