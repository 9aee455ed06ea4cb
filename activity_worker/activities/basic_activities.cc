#include "activity_worker/activities/basic_activities.h"

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "activity_worker/activities/payload_text.h"
#include "activity_worker/activities/status_failure.h"
#include "base/status_macros.h"
#include "claude/json.h"

namespace anabranch::activity_worker {
namespace {

// A year: what is longer is a mistake.
constexpr double kSecondsMax = 366.0 * 24 * 3600;

// The number of that name; nullopt when absent.
absl::StatusOr<std::optional<double>> Seconds(const claude::JsonObject& object,
                                              std::string_view key) {
  const std::string_view raw = object.Get(key);
  if (raw.empty() || raw == "null") return std::optional<double>();
  double value = 0;
  if (claude::KindOf(raw) != claude::JsonKind::kNumber ||
      !absl::SimpleAtod(absl::string_view(raw.data(), raw.size()), &value) ||
      !(value >= 0) || value > kSecondsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", absl::string_view(key.data(), key.size()),
                     "\" must be a number of seconds, from 0 to a year"));
  }
  return std::optional<double>(value);
}

class EchoActivity : public Activity {
 public:
  explicit EchoActivity(ActivityContext& context) : context_(context) {}

  void Start() override {
    Outcome outcome;
    outcome.result = context_.task().input();
    if (outcome.result->kind_case() == v1::Payload::KIND_NOT_SET) {
      outcome.result->set_json_text("null");
    }
    context_.Finish(std::move(outcome));
  }

 private:
  ActivityContext& context_;
};

class SleepActivity : public Activity {
 public:
  explicit SleepActivity(ActivityContext& context) : context_(context) {}

  void Start() override {
    const absl::StatusOr<double> seconds = Parse();
    if (!seconds.ok()) {
      context_.Finish(FailureOfStatus(seconds.status()));
      return;
    }
    context_.After(absl::Seconds(*seconds), [this, seconds = *seconds] {
      context_.Finish(
          JsonResult(absl::StrCat("{\"slept_seconds\":", seconds, "}")));
    });
  }

  // It is alive, and has nothing to hand on.
  std::optional<v1::Payload> HeartbeatDetails() const override {
    return v1::Payload();
  }

 private:
  absl::StatusOr<double> Parse() const {
    ASSIGN_OR_RETURN(const std::string text,
                     PayloadText(context_.task().input()));
    ASSIGN_OR_RETURN(const claude::JsonObject object,
                     claude::JsonObject::Parse(text));
    ASSIGN_OR_RETURN(const std::optional<double> seconds,
                     Seconds(object, "seconds"));
    if (!seconds.has_value()) {
      return absl::InvalidArgumentError("\"seconds\" is missing");
    }
    return *seconds;
  }

  ActivityContext& context_;
};

class FailActivity : public Activity {
 public:
  explicit FailActivity(ActivityContext& context) : context_(context) {}

  void Start() override {
    absl::StatusOr<Outcome> outcome = Decide();
    context_.Finish(outcome.ok() ? *std::move(outcome)
                                 : FailureOfStatus(outcome.status()));
  }

 private:
  absl::StatusOr<Outcome> Decide() const {
    const v1::Task& task = context_.task();
    ASSIGN_OR_RETURN(std::string text, PayloadText(task.input()));
    if (text.empty() || text == "null") text = "{}";
    ASSIGN_OR_RETURN(const claude::JsonObject object,
                     claude::JsonObject::Parse(text));
    ASSIGN_OR_RETURN(const std::optional<double> delay,
                     Seconds(object, "next_delay_seconds"));
    const std::optional<int64_t> times = object.GetInt("times");
    if (object.Has("times") && !times.has_value()) {
      return absl::InvalidArgumentError("\"times\" must be an integer");
    }
    if (times.has_value() && task.attempt() > *times) {
      return JsonResult(absl::StrCat("{\"attempt\":", task.attempt(), "}"));
    }
    const std::string type = object.GetString("type");
    const std::string message = object.GetString("message");
    Outcome outcome = FailureOf(
        type.empty() ? "failed" : type,
        message.empty() ? "the activity `fail` was asked to fail" : message,
        !object.Has("retryable") || object.GetBool("retryable"));
    if (delay.has_value()) outcome.next_delay = absl::Seconds(*delay);
    return outcome;
  }

  ActivityContext& context_;
};

template <typename T>
void Add(ActivityRegistry& registry, std::string_view type) {
  registry.Register(type, [](ActivityContext& context) {
    return std::make_unique<T>(context);
  });
}

}  // namespace

void RegisterBasicActivities(ActivityRegistry& registry) {
  Add<EchoActivity>(registry, "echo");
  Add<SleepActivity>(registry, "sleep");
  Add<FailActivity>(registry, "fail");
}

}  // namespace anabranch::activity_worker
