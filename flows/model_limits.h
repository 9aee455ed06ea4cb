// Bounds and defaults of model calls that flows make.
#pragma once

#include <cstdint>

namespace anabranch::flows {

inline constexpr char kChatModelDefault[] = "claude-sonnet-5-5";

// Tokens of one reply. The API refuses more than its models can write.
inline constexpr int64_t kMaxTokensDefault = 4096;
inline constexpr int64_t kMaxTokensMax = 128'000;

}  // namespace anabranch::flows
