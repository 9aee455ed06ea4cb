#include "flows/register.h"

#include "flows/basics.h"
#include "flows/claude_chat.h"
#include "flows/fork_compare.h"
#include "flows/map_runs.h"
#include "flows/repeat.h"
#include "flows/run_activity.h"

namespace anabranch::flows {

void RegisterFlows(sdk::FlowRegistry& registry) {
  registry.Register(ClaudeChat());
  registry.Register(ForkCompare());
  registry.Register(Echo());
  registry.Register(Sleep());
  registry.Register(Sequence());
  registry.Register(WaitForSignal());
  registry.Register(MapRuns());
  registry.Register(Repeat());
  registry.Register(RunActivity());
}

}  // namespace anabranch::flows
