#include "sdk/activity_defaults.h"

#include <string>

#include "absl/status/status.h"

namespace anabranch::sdk {
namespace {

using anabranch::v1::ActivityOptions;
using anabranch::v1::RetryPolicy;
using google::protobuf::Duration;

struct KindDefaults {
  std::string_view kind;
  int attempts;
  int64_t initial_ms;
  double coefficient;
  int64_t maximum_ms;
  double jitter;
  int64_t start_to_close_s;
};

constexpr KindDefaults kKinds[] = {
    {"claude", 5, 1000, 2.0, 60'000, 1.0, 300},
    {"local", 3, 100, 2.0, 5'000, 0.5, 30},
    {"compute", 2, 100, 2.0, 5'000, 0.0, 30},
};

void SetMillis(Duration& duration, int64_t ms) {
  duration.set_seconds(ms / 1000);
  duration.set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
}

bool Negative(const Duration& duration) {
  return duration.seconds() < 0 || duration.nanos() < 0;
}

bool Less(const Duration& a, const Duration& b) {
  if (a.seconds() != b.seconds()) return a.seconds() < b.seconds();
  return a.nanos() < b.nanos();
}

absl::Status Wrong(const std::string& field, const std::string& problem) {
  return absl::InvalidArgumentError(field + " " + problem);
}

absl::Status CheckRetry(const RetryPolicy& retry) {
  if (Negative(retry.initial_interval())) {
    return Wrong("retry.initial_interval", "is negative");
  }
  if (Less(retry.maximum_interval(), retry.initial_interval())) {
    return Wrong("retry.maximum_interval", "is below initial_interval");
  }
  if (!(retry.backoff_coefficient() >= 1)) {
    return Wrong("retry.backoff_coefficient", "is below 1");
  }
  if (!(retry.jitter_factor() >= 0 && retry.jitter_factor() <= 1)) {
    return Wrong("retry.jitter_factor", "is outside 0 to 1");
  }
  if (retry.maximum_attempts() < 1) {
    return Wrong("retry.maximum_attempts", "is below 1");
  }
  return absl::OkStatus();
}

void FillRetry(RetryPolicy& retry, const KindDefaults& defaults,
               bool jitter_given) {
  if (!retry.has_initial_interval()) {
    SetMillis(*retry.mutable_initial_interval(), defaults.initial_ms);
  }
  if (!retry.has_maximum_interval()) {
    SetMillis(*retry.mutable_maximum_interval(), defaults.maximum_ms);
    if (Less(retry.maximum_interval(), retry.initial_interval())) {
      *retry.mutable_maximum_interval() = retry.initial_interval();
    }
  }
  if (retry.backoff_coefficient() == 0) {
    retry.set_backoff_coefficient(defaults.coefficient);
  }
  if (retry.maximum_attempts() == 0) {
    retry.set_maximum_attempts(defaults.attempts);
  }
  if (!jitter_given) retry.set_jitter_factor(defaults.jitter);
}

}  // namespace

std::string_view KindOfActivityType(std::string_view activity_type) {
  if (activity_type.starts_with("claude.")) return "claude";
  if (activity_type == "conversation.compare") return "compute";
  return "local";
}

absl::StatusOr<ActivityOptions> ResolveOptions(std::string_view activity_type,
                                               const ActivityOptions& options) {
  ActivityOptions resolved = options;
  if (resolved.kind().empty()) {
    resolved.set_kind(std::string(KindOfActivityType(activity_type)));
  }
  const KindDefaults* defaults = nullptr;
  for (const KindDefaults& kind : kKinds) {
    if (kind.kind == resolved.kind()) defaults = &kind;
  }
  if (defaults == nullptr) {
    return Wrong("kind", "is not claude, local or compute: " + resolved.kind());
  }
  FillRetry(*resolved.mutable_retry(), *defaults,
            options.retry().has_jitter_factor());
  if (!resolved.has_start_to_close_timeout()) {
    resolved.mutable_start_to_close_timeout()->set_seconds(
        defaults->start_to_close_s);
  }
  if (auto status = CheckRetry(resolved.retry()); !status.ok()) return status;
  if (Negative(resolved.start_to_close_timeout())) {
    return Wrong("start_to_close_timeout", "is negative");
  }
  if (Negative(resolved.schedule_to_close_timeout())) {
    return Wrong("schedule_to_close_timeout", "is negative");
  }
  return resolved;
}

}  // namespace anabranch::sdk
