#include "activity_worker/activities/api_failure.h"

#include <cstddef>
#include <string>

#include "claude/json.h"
#include "claude/json_writer.h"

namespace anabranch::activity_worker {
namespace {

constexpr size_t kResponseBytesMax = 16 * 1024;

}  // namespace

Outcome FailureOfApi(const claude::ApiError& error, std::string_view response,
                     const ApiEndpoint& endpoint) {
  Outcome outcome =
      FailureOf(error.type, endpoint.Scrub(error.message), error.retryable);
  outcome.next_delay = error.retry_delay;
  claude::JsonWriter details;
  details.BeginObject();
  if (error.http_status != 0) {
    details.Key("http_status").Int(error.http_status);
  }
  if (!error.request_id.empty()) {
    details.Key("request_id").String(error.request_id);
  }
  if (!error.error_code.empty()) {
    details.Key("error_code").String(error.error_code);
  }
  if (!response.empty() && response.size() <= kResponseBytesMax &&
      claude::ValidateJson(response).ok()) {
    details.Key("response").Raw(response);
  }
  details.EndObject();
  outcome.failure.mutable_details()->set_json_text(
      endpoint.Scrub(details.Take()));
  return outcome;
}

}  // namespace anabranch::activity_worker
