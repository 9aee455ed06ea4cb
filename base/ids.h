// Strong types for identity: a bare integer names nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace anabranch {

// Store-unique id of one generation of a run. 0 is none.
struct Uid {
  uint64_t value = 0;
  auto operator<=>(const Uid&) const = default;

  // 16 lower-case hex digits.
  std::string ToHex() const;
  // Nothing when `hex` is not 16 lower-case hex digits.
  static std::optional<Uid> FromHex(std::string_view hex);
};

// One opening of the store by an orchestrator: a counter and a random nonce,
// so that a restored backup cannot issue an old epoch again.
struct Epoch {
  uint64_t counter = 0;
  uint64_t nonce = 0;
  auto operator<=>(const Epoch&) const = default;
};

// One activity of one run.
struct ActivityId {
  Uid uid;
  int64_t seq = 0;
  auto operator<=>(const ActivityId&) const = default;
};

// One attempt of an activity, fenced by the epoch that issued it.
struct TaskToken {
  Epoch epoch;
  ActivityId activity;
  int32_t attempt = 0;
  auto operator<=>(const TaskToken&) const = default;

  // Opaque to workers: "<counter>.<nonce>.<uid>.<seq>.<attempt>".
  std::string ToString() const;
  // Nothing when `text` is not of that form.
  static std::optional<TaskToken> Parse(std::string_view text);
};

}  // namespace anabranch
