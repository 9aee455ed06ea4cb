#include "sdk/flow_registry.h"

#include <utility>

#include "base/check.h"

namespace anabranch::sdk {

void FlowRegistry::Register(FlowDefinition flow) {
  AB_CHECK(flow.create != nullptr);
  std::string name = flow.name;
  bool inserted = flows_.emplace(name, std::move(flow)).second;
  AB_CHECK_MSG(inserted, "two flows of one name: " + name);
}

const FlowDefinition* FlowRegistry::Find(std::string_view name) const {
  auto it = flows_.find(name);
  return it == flows_.end() ? nullptr : &it->second;
}

std::vector<const FlowDefinition*> FlowRegistry::List() const {
  std::vector<const FlowDefinition*> flows;
  for (const auto& [name, flow] : flows_) flows.push_back(&flow);
  return flows;
}

std::vector<std::string> FlowRegistry::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, flow] : flows_) names.push_back(name);
  return names;
}

}  // namespace anabranch::sdk
