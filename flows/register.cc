#include "flows/register.h"

#include "flows/basics.h"
#include "flows/claude_chat.h"
#include "flows/fork_compare.h"

namespace anabranch::flows {

void RegisterFlows(sdk::FlowRegistry& registry) {
  registry.Register(ClaudeChat());
  registry.Register(ForkCompare());
  registry.Register(Echo());
  registry.Register(Sleep());
  registry.Register(Sequence());
  registry.Register(WaitForSignal());
}

}  // namespace anabranch::flows
