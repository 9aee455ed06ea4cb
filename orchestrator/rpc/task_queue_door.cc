#include "orchestrator/rpc/task_queue_door.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

// One in eleven days, and more than one engine can do.
constexpr double kRateMin = 1e-6;
constexpr double kRateMax = 1e6;
constexpr int kCountMax = 1'000'000;

bool IsKey(const std::string& key) {
  return !key.empty() && key.size() <= limits::kIdBytesMax &&
         std::all_of(key.begin(), key.end(),
                     [](char c) { return c >= ' ' && c <= '~'; });
}

void CheckCount(const std::string& field, int32_t count,
                std::vector<FieldProblem>& problems) {
  if (count >= 0 && count <= kCountMax) return;
  problems.push_back(
      {field, absl::StrCat("must be 0 (no limit) to ", kCountMax)});
}

void CheckKeys(const anabranch::v1::TaskQueueSettings& settings,
               std::vector<FieldProblem>& problems) {
  if (settings.key_limits_size() > limits::kConcurrencyKeysPerQueueMax) {
    problems.push_back(
        {"settings.key_limits",
         absl::StrCat("names more than ", limits::kConcurrencyKeysPerQueueMax,
                      " keys; default_key_limit is for all "
                      "others")});
    return;
  }
  for (const auto& [key, limit] : settings.key_limits()) {
    const std::string field =
        absl::StrCat("settings.key_limits[\"", Shortened(key), "\"]");
    if (!IsKey(key)) {
      problems.push_back(
          {field, "the key must be 1 to 128 bytes of printable ASCII"});
    }
    CheckCount(field, limit, problems);
  }
}

}  // namespace

absl::StatusOr<storage::v1::TaskQueueRecord> CheckTaskQueue(
    const anabranch::v1::UpdateTaskQueueRequest& request) {
  RETURN_IF_ERROR(CheckId("name", request.name()));
  const auto& settings = request.settings();
  std::vector<FieldProblem> problems;
  const double rate = settings.tasks_per_second();
  // Written so that a NaN is refused, too.
  if (rate != 0 && !(rate >= kRateMin && rate <= kRateMax)) {
    problems.push_back({"settings.tasks_per_second",
                        "must be 0 (no limit) or 0.000001 to 1000000"});
  }
  CheckCount("settings.burst", settings.burst(), problems);
  CheckCount("settings.default_key_limit", settings.default_key_limit(),
             problems);
  CheckKeys(settings, problems);
  if (!problems.empty()) return InvalidFields(problems);
  storage::v1::TaskQueueRecord record;
  record.set_name(request.name());
  record.set_tasks_per_second(rate);
  record.set_burst(settings.burst());
  record.set_default_key_limit(settings.default_key_limit());
  *record.mutable_key_limits() = settings.key_limits();
  return record;
}

}  // namespace anabranch::rpc
