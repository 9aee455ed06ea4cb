// The API's refusals: status, type and message.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace anabranch::fake_claude {

struct ApiError {
  int status = 400;
  std::string message;
  // "" : the usual one of the status.
  std::string type;
  // "" : no details.
  std::string error_code;
};

// Nothing: the request is acceptable.
using Refusal = std::optional<ApiError>;

// 400 invalid_request_error.
ApiError Invalid(std::string message);

// The error type that goes with a status when none is named.
std::string_view ErrorTypeOf(int status);

// {"type":"error","error":{…},"request_id":…}
std::string ErrorBody(const ApiError& error, const std::string& request_id);
// The same as the data of a mid-stream `error` event, whose key order differs.
std::string ErrorEventData(const ApiError& error,
                           const std::string& request_id);

}  // namespace anabranch::fake_claude
