#include "sdk/race.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace anabranch::sdk {

using anabranch::v1::Failure;

namespace {
// Of many the rest is only counted.
constexpr size_t kFailuresToldMax = 10;
}  // namespace

Failure AggregateFailures(const std::vector<Failure>& failures) {
  if (failures.size() == 1) return failures.front();
  const std::string& type = failures.front().type();
  const bool same = std::all_of(
      failures.begin(), failures.end(),
      [&type](const Failure& failure) { return failure.type() == type; });
  std::string message = absl::StrCat("all ", failures.size(), " have failed: ");
  const size_t told = std::min(failures.size(), kFailuresToldMax);
  for (size_t i = 0; i < told; ++i) {
    absl::StrAppend(&message, i == 0 ? "" : "; ", failures[i].type(), ": ",
                    failures[i].message());
  }
  if (told < failures.size()) {
    absl::StrAppend(&message, "; and ", failures.size() - told, " more");
  }
  return MakeFailure(
      same ? type : std::string(kFailureAllFailed), message,
      std::any_of(failures.begin(), failures.end(),
                  [](const Failure& failure) { return failure.retryable(); }));
}

}  // namespace anabranch::sdk
