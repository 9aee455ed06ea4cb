#include "fake_claude/api_error.h"

#include <utility>

#include "fake_claude/text.h"

namespace anabranch::fake_claude {
namespace {

std::string TypeOf(const ApiError& error) {
  return error.type.empty() ? std::string(ErrorTypeOf(error.status))
                            : error.type;
}

Json DetailsOf(const ApiError& error) {
  if (error.error_code.empty()) return nullptr;
  return Json{{"error_code", error.error_code}};
}

}  // namespace

ApiError Invalid(std::string message) {
  ApiError error;
  error.message = std::move(message);
  return error;
}

std::string_view ErrorTypeOf(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 409:
      return "conflict_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

std::string ErrorBody(const ApiError& error, const std::string& request_id) {
  Json inner;
  inner["type"] = TypeOf(error);
  inner["message"] = error.message;
  inner["details"] = DetailsOf(error);
  Json body;
  body["type"] = "error";
  body["error"] = std::move(inner);
  body["request_id"] = request_id;
  return ToJsonText(body);
}

std::string ErrorEventData(const ApiError& error,
                           const std::string& request_id) {
  Json inner;
  inner["details"] = DetailsOf(error);
  inner["type"] = TypeOf(error);
  inner["message"] = error.message;
  Json body;
  body["type"] = "error";
  body["error"] = std::move(inner);
  body["request_id"] = request_id;
  return ToJsonText(body);
}

}  // namespace anabranch::fake_claude
