// The activities that read a transcript and compare branches. All run on the
// executor's helper thread: a transcript may have 32 MiB.
//
//   conversation.load        attachment `conversation`: its summary
//   conversation.checkpoint  likewise: its checkpoint at a step
//   conversation.compare     attachment `checkpoint`: the comparison
//
// claude/conversation_activities.h has their inputs and results.
#pragma once

#include "activity_worker/executor/activity_registry.h"

namespace anabranch::activity_worker {

void RegisterConversationActivities(ActivityRegistry& registry);

}  // namespace anabranch::activity_worker
