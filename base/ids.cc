#include "base/ids.h"

#include <charconv>
#include <vector>

#include "absl/strings/str_format.h"

namespace anabranch {
namespace {

// All of `text` as a number, or nothing.
template <typename T>
std::optional<T> ParseWhole(std::string_view text, int base) {
  T value{};
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() ||
      text.empty()) {
    return std::nullopt;
  }
  return value;
}

std::vector<std::string_view> SplitAtDots(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t dot = text.find('.');
    parts.push_back(text.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

std::string Uid::ToHex() const { return absl::StrFormat("%016x", value); }

std::optional<Uid> Uid::FromHex(std::string_view hex) {
  if (hex.size() != 16) return std::nullopt;
  auto value = ParseWhole<uint64_t>(hex, 16);
  if (!value.has_value()) return std::nullopt;
  Uid uid{*value};
  if (uid.ToHex() != hex) return std::nullopt;
  return uid;
}

std::string TaskToken::ToString() const {
  return absl::StrFormat("%d.%016x.%016x.%d.%d", epoch.counter, epoch.nonce,
                         activity.uid.value, activity.seq, attempt);
}

std::optional<TaskToken> TaskToken::Parse(std::string_view text) {
  std::vector<std::string_view> parts = SplitAtDots(text);
  if (parts.size() != 5) return std::nullopt;
  auto counter = ParseWhole<uint64_t>(parts[0], 10);
  auto nonce = ParseWhole<uint64_t>(parts[1], 16);
  auto uid = ParseWhole<uint64_t>(parts[2], 16);
  auto seq = ParseWhole<int64_t>(parts[3], 10);
  auto attempt = ParseWhole<int32_t>(parts[4], 10);
  if (!counter || !nonce || !uid || !seq || !attempt) return std::nullopt;
  return TaskToken{Epoch{*counter, *nonce}, ActivityId{Uid{*uid}, *seq},
                   *attempt};
}

}  // namespace anabranch
