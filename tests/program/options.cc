#include "tests/program/options.h"

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "tests/program/words.h"

namespace anabranch::program {
namespace {

namespace api = anabranch::v1;

google::protobuf::Duration* DurationNamed(const std::string& name,
                                          api::ActivityOptions& out) {
  if (name == "start_to_close") return out.mutable_start_to_close_timeout();
  if (name == "schedule_to_close") {
    return out.mutable_schedule_to_close_timeout();
  }
  if (name == "schedule_to_start") {
    return out.mutable_schedule_to_start_timeout();
  }
  if (name == "heartbeat") return out.mutable_heartbeat_timeout();
  if (name == "backoff") return out.mutable_retry()->mutable_initial_interval();
  return nullptr;
}

bool SetNumber(const std::string& name, int value, api::ActivityOptions& out) {
  if (name == "attempts") {
    out.mutable_retry()->set_maximum_attempts(value);
  } else if (name == "priority") {
    out.set_priority(value);
  } else {
    return false;
  }
  return true;
}

bool SetWord(const std::string& name, const std::string& word,
             api::ActivityOptions& out) {
  if (name == "queue") {
    out.set_task_queue(word);
  } else if (name == "key") {
    out.set_concurrency_key(word);
  } else if (name == "never") {
    out.mutable_retry()->add_non_retryable_types(word);
  } else if (name == "exhausted" && word == "park") {
    out.set_on_exhausted(api::EXHAUSTED_ACTION_PARK);
  } else if (name == "exhausted" && word == "fail") {
    out.set_on_exhausted(api::EXHAUSTED_ACTION_FAIL);
  } else if (name == "cancellation" && word == "try") {
    out.set_cancellation(api::CANCELLATION_TYPE_TRY);
  } else if (name == "cancellation" && word == "wait") {
    out.set_cancellation(api::CANCELLATION_TYPE_WAIT_COMPLETED);
  } else if (name == "cancellation" && word == "abandon") {
    out.set_cancellation(api::CANCELLATION_TYPE_ABANDON);
  } else {
    return name == "name";
  }
  return true;
}

}  // namespace

absl::StatusOr<api::ActivityOptions> ToActivityOptions(const Options& options) {
  api::ActivityOptions out;
  out.mutable_retry()->set_jitter_factor(0);
  for (const auto& [name, text] : options) {
    std::string word = Unquoted(text);
    absl::Duration duration;
    int number = 0;
    if (auto* field = DurationNamed(name, out); field != nullptr) {
      if (!absl::ParseDuration(word, &duration)) {
        return absl::InvalidArgumentError(
            absl::StrCat(name, "=", text, ": not a duration such as 5s"));
      }
      *field = ToProto(duration);
      continue;
    }
    if (absl::SimpleAtoi(word, &number) && SetNumber(name, number, out)) {
      continue;
    }
    if (!SetWord(name, word, out)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, "=", text, " is no option of call"));
    }
  }
  if (options.contains("backoff")) {
    out.mutable_retry()->set_backoff_coefficient(1);
    *out.mutable_retry()->mutable_maximum_interval() =
        out.retry().initial_interval();
  }
  return out;
}

absl::StatusOr<ChildOptions> ToChildOptions(const Options& options) {
  ChildOptions out;
  for (const auto& [name, text] : options) {
    std::string word = Unquoted(text);
    if (name == "flow") {
      out.flow = word;
    } else if (name == "policy" && word == "terminate") {
      out.policy = api::PARENT_CLOSE_POLICY_TERMINATE;
    } else if (name == "policy" && word == "abandon") {
      out.policy = api::PARENT_CLOSE_POLICY_ABANDON;
    } else if (name == "policy" && word == "request_cancel") {
      out.policy = api::PARENT_CLOSE_POLICY_REQUEST_CANCEL;
    } else if (name == "wait" && word == "started") {
      out.wait_started = true;
    } else if (name != "timeout" || !absl::ParseDuration(word, &out.timeout)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, "=", text, " is no option of child"));
    }
  }
  return out;
}

}  // namespace anabranch::program
