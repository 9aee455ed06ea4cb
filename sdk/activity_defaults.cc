#include "sdk/activity_defaults.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/id_syntax.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace anabranch::sdk {
namespace {

using anabranch::v1::ActivityOptions;
using anabranch::v1::RetryPolicy;
using google::protobuf::Duration;
using google::protobuf::RepeatedPtrField;

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

// Longer ones are mistakes, and would overflow what is computed with them.
constexpr int64_t kDurationSecondsMax = int64_t{10} * 365 * 24 * 3600;
constexpr int kGlobsMax = 100;

bool Negative(const Duration& duration) {
  return duration.seconds() < 0 || duration.nanos() < 0;
}

bool Zero(const Duration& duration) {
  return duration.seconds() == 0 && duration.nanos() == 0;
}

bool Less(const Duration& a, const Duration& b) {
  if (a.seconds() != b.seconds()) return a.seconds() < b.seconds();
  return a.nanos() < b.nanos();
}

absl::Status Wrong(const std::string& field, const std::string& problem) {
  return absl::InvalidArgumentError(field + " " + problem);
}

absl::Status CheckDuration(const std::string& field, const Duration& duration) {
  if (Negative(duration)) return Wrong(field, "is negative");
  if (duration.nanos() > 999'999'999) {
    return Wrong(field, "has more than 999,999,999 nanoseconds");
  }
  if (duration.seconds() > kDurationSecondsMax) {
    return Wrong(field, "is longer than 10 years");
  }
  return absl::OkStatus();
}

absl::Status CheckTimeout(const std::string& field, bool given,
                          const Duration& timeout) {
  if (!given) return absl::OkStatus();
  if (Zero(timeout)) {
    return Wrong(field, "is zero: give more, or leave it out");
  }
  return CheckDuration(field, timeout);
}

absl::Status CheckTimeouts(const ActivityOptions& options) {
  RETURN_IF_ERROR(CheckTimeout("start_to_close_timeout", true,
                               options.start_to_close_timeout()));
  RETURN_IF_ERROR(CheckTimeout("schedule_to_close_timeout",
                               options.has_schedule_to_close_timeout(),
                               options.schedule_to_close_timeout()));
  RETURN_IF_ERROR(CheckTimeout("schedule_to_start_timeout",
                               options.has_schedule_to_start_timeout(),
                               options.schedule_to_start_timeout()));
  RETURN_IF_ERROR(CheckTimeout("heartbeat_timeout",
                               options.has_heartbeat_timeout(),
                               options.heartbeat_timeout()));
  if (options.has_heartbeat_timeout() &&
      Less(options.start_to_close_timeout(), options.heartbeat_timeout())) {
    return Wrong("heartbeat_timeout",
                 "exceeds start_to_close_timeout: it could never run out");
  }
  return absl::OkStatus();
}

absl::Status CheckGlobs(const std::string& field,
                        const RepeatedPtrField<std::string>& globs) {
  if (globs.size() > kGlobsMax) {
    return Wrong(field, "has more than 100 globs");
  }
  for (const std::string& glob : globs) {
    if (glob.empty() || glob.size() > limits::kIdBytesMax) {
      return Wrong(field, "has a glob that is empty or longer than 128 bytes");
    }
  }
  return absl::OkStatus();
}

// What is known of queues, keys and turns.
absl::Status CheckMatching(const ActivityOptions& options) {
  if (!IsIdSyntax(options.task_queue())) {
    return Wrong("task_queue",
                 "is not of the form [A-Za-z0-9][A-Za-z0-9._:-]{0,127}");
  }
  if (options.priority() < 1 || options.priority() > limits::kPriorityMax) {
    return Wrong("priority", "is outside 1 (first) to 5 (last)");
  }
  const std::string& key = options.concurrency_key();
  if (key.size() > limits::kIdBytesMax ||
      std::any_of(key.begin(), key.end(),
                  [](char c) { return c < ' ' || c > '~'; })) {
    return Wrong("concurrency_key",
                 "is longer than 128 bytes or not of printable ASCII");
  }
  return absl::OkStatus();
}

absl::Status CheckEnums(const ActivityOptions& options) {
  if (!anabranch::v1::ExhaustedAction_IsValid(options.on_exhausted())) {
    return Wrong("on_exhausted", "is no ExhaustedAction");
  }
  if (!anabranch::v1::CancellationType_IsValid(options.cancellation())) {
    return Wrong("cancellation", "is no CancellationType");
  }
  return absl::OkStatus();
}

absl::Status CheckRetry(const RetryPolicy& retry) {
  RETURN_IF_ERROR(
      CheckDuration("retry.initial_interval", retry.initial_interval()));
  RETURN_IF_ERROR(
      CheckDuration("retry.maximum_interval", retry.maximum_interval()));
  RETURN_IF_ERROR(CheckGlobs("retry.retryable_types", retry.retryable_types()));
  RETURN_IF_ERROR(
      CheckGlobs("retry.non_retryable_types", retry.non_retryable_types()));
  if (Less(retry.maximum_interval(), retry.initial_interval())) {
    return Wrong("retry.maximum_interval", "is below initial_interval");
  }
  if (!(retry.backoff_coefficient() >= 1)) {
    return Wrong("retry.backoff_coefficient", "is below 1");
  }
  if (!std::isfinite(retry.backoff_coefficient())) {
    return Wrong("retry.backoff_coefficient", "is infinite");
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

// What no kind says anything of.
void FillMatching(ActivityOptions& options) {
  if (options.task_queue().empty()) options.set_task_queue(kDefaultTaskQueue);
  if (options.priority() == 0) options.set_priority(limits::kPriorityDefault);
  if (options.on_exhausted() == anabranch::v1::EXHAUSTED_ACTION_UNSPECIFIED) {
    options.set_on_exhausted(anabranch::v1::EXHAUSTED_ACTION_FAIL);
  }
  if (options.cancellation() == anabranch::v1::CANCELLATION_TYPE_UNSPECIFIED) {
    options.set_cancellation(anabranch::v1::CANCELLATION_TYPE_TRY);
  }
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
  FillMatching(resolved);
  RETURN_IF_ERROR(CheckRetry(resolved.retry()));
  RETURN_IF_ERROR(CheckTimeouts(resolved));
  RETURN_IF_ERROR(CheckMatching(resolved));
  RETURN_IF_ERROR(CheckEnums(resolved));
  return resolved;
}

}  // namespace anabranch::sdk
