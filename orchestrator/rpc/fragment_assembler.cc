#include "orchestrator/rpc/fragment_assembler.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

constexpr size_t kMessageMax = limits::kStreamMessageBytesMax;
constexpr size_t kTotalMax = 4 * kMessageMax;

absl::Status TooLarge(const char* what, size_t limit) {
  return StreamError("MESSAGE_TOO_LARGE",
                     absl::StrCat(what, " exceeds ", limit, " bytes"));
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FragmentAssembler::Take(
    anabranch::v1::Fragment fragment) {
  const std::string& data = fragment.data();
  if (data.empty() && !fragment.last()) {
    return StreamError("INVALID_FRAGMENT", "an empty piece is not the last");
  }
  if (data.size() > limits::kFragmentBytesMax) {
    return StreamError(
        "INVALID_FRAGMENT",
        absl::StrCat("a piece of ", data.size(), " bytes; at most ",
                     limits::kFragmentBytesMax, " are allowed"));
  }
  auto [it, inserted] = transfers_.try_emplace(fragment.transfer_id());
  if (inserted && transfers_.size() > kOpenTransfersMax) {
    return StreamError("INVALID_FRAGMENT", "too many transfers are open");
  }
  std::string& whole = it->second;
  whole += data;
  bytes_ += data.size();
  if (whole.size() > kMessageMax) return TooLarge("a message", kMessageMax);
  if (bytes_ > kTotalMax) return TooLarge("what is in pieces", kTotalMax);
  if (!fragment.last()) return std::nullopt;
  bytes_ -= whole.size();
  std::optional<std::string> message(std::move(whole));
  transfers_.erase(it);
  return message;
}

}  // namespace anabranch::rpc
