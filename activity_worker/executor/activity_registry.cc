#include "activity_worker/executor/activity_registry.h"

#include <utility>

#include "base/check.h"

namespace anabranch::activity_worker {

void ActivityRegistry::Register(std::string_view type,
                                ActivityFactory factory) {
  AB_CHECK(factories_.emplace(type, std::move(factory)).second);
}

const ActivityFactory* ActivityRegistry::Find(std::string_view type) const {
  const auto it = factories_.find(type);
  return it == factories_.end() ? nullptr : &it->second;
}

std::vector<std::string> ActivityRegistry::Types() const {
  std::vector<std::string> types;
  types.reserve(factories_.size());
  for (const auto& [type, factory] : factories_) types.push_back(type);
  return types;
}

}  // namespace anabranch::activity_worker
