#include "activity_worker/core/outcome.h"

#include <utility>

namespace anabranch::activity_worker {

Outcome JsonResult(std::string json_text) {
  Outcome outcome;
  outcome.result.emplace().set_json_text(std::move(json_text));
  return outcome;
}

Outcome FailureOf(std::string_view type, std::string_view message,
                  bool retryable) {
  Outcome outcome;
  outcome.failure.set_type(std::string(type));
  outcome.failure.set_message(std::string(message));
  outcome.failure.set_retryable(retryable);
  return outcome;
}

}  // namespace anabranch::activity_worker
