#include "sdk/scope_state.h"

#include <cstddef>

namespace anabranch::sdk {

ScopeState::ScopeState(std::shared_ptr<ScopeState> parent)
    : parent_(std::move(parent)) {
  if (parent_ == nullptr) return;
  number_ = parent_->next_child_++;
  parent_->children_[number_] = this;
  why_ = parent_->why_;
}

ScopeState::~ScopeState() {
  if (parent_ != nullptr) parent_->children_.erase(number_);
}

std::vector<ScopeState*> ScopeState::MarkCancelled(const std::string& why) {
  std::vector<ScopeState*> marked;
  if (cancelled()) return marked;
  why_ = why;
  marked.push_back(this);
  for (size_t i = 0; i < marked.size(); ++i) {
    // A copy of the pointer: the vector grows.
    const ScopeState* node = marked[i];
    for (const auto& [number, child] : node->children_) {
      if (child->cancelled()) continue;
      child->why_ = why;
      marked.push_back(child);
    }
  }
  return marked;
}

}  // namespace anabranch::sdk
