#include "sdk/flow_registry.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "sdk/misuse.h"

namespace anabranch::sdk {

namespace {

using Prepare = decltype(FlowDefinition::prepare);

// It runs outside of every flow: nothing else would catch it.
Prepare Catching(const std::string& name, Prepare prepare) {
  return [name, prepare = std::move(prepare)](
             std::string_view json,
             PrepareContext& context) -> absl::StatusOr<PreparedStart> {
    try {
      return prepare(json, context);
    } catch (...) {
      return absl::InternalError(absl::StrCat(
          "flow ", name,
          " threw while it checked its input: ", CurrentException()));
    }
  };
}

}  // namespace

void FlowRegistry::Register(FlowDefinition flow) {
  AB_CHECK(flow.create != nullptr);
  std::string name = flow.name;
  if (flow.prepare != nullptr) {
    flow.prepare = Catching(name, std::move(flow.prepare));
  }
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
