// Names that the SDK gives to markers of its own, and its flags in events.
#pragma once

#include <cstdint>

namespace anabranch::sdk {

// "publish:NAME": the flow has published a value.
inline constexpr char kPublishPrefix[] = "publish:";
// "patch:ID": the flow has taken a patch's new way.
inline constexpr char kPatchPrefix[] = "patch:";

// HistoryEvent.internal_flags, bit 0, on a stimulus: the history has grown so
// long that the flow should continue as new. Recorded, so that a replay gives
// the flow the same answer whatever the limit is by then.
inline constexpr uint32_t kFlagContinueAsNewSuggested = 1U << 0;

}  // namespace anabranch::sdk
