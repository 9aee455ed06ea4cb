#include "fake_claude/request.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace anabranch::fake_claude {
namespace {

ApiError Unauthorized(const std::string& message) {
  ApiError error;
  error.status = 401;
  error.message = message;
  return error;
}

}  // namespace

Refusal CheckAuth(const RequestHeaders& headers,
                  const std::string& required_key) {
  if (headers.has_api_key && headers.has_authorization) {
    return Unauthorized(
        "x-api-key and authorization headers may not both be set");
  }
  std::string key = headers.api_key;
  if (headers.has_authorization) {
    const std::string bearer = "bearer ";
    if (!absl::StartsWithIgnoreCase(headers.authorization, bearer)) {
      return Unauthorized("invalid authorization header");
    }
    key = std::string(absl::StripAsciiWhitespace(
        headers.authorization.substr(bearer.size())));
    if (key.empty()) return Unauthorized("invalid bearer token");
  } else if (key.empty()) {
    return Unauthorized("x-api-key header is required");
  }
  if (!required_key.empty() && key != required_key) {
    return Unauthorized(headers.has_authorization ? "invalid bearer token"
                                                  : "invalid x-api-key");
  }
  return std::nullopt;
}

Refusal CheckVersion(const RequestHeaders& headers, Version* version) {
  if (headers.version.empty()) {
    return Invalid("anthropic-version: header is required");
  }
  if (headers.version == "2023-06-01") {
    *version = Version::k2023_06_01;
  } else if (headers.version == "2026-10-21") {
    *version = Version::k2026_10_21;
  } else {
    return Invalid(absl::StrCat("anthropic-version: \"", headers.version,
                                "\" is not a valid version"));
  }
  return std::nullopt;
}

bool HasBeta(const std::string& list, const std::string& value) {
  for (const absl::string_view part : absl::StrSplit(list, ',')) {
    if (absl::StripAsciiWhitespace(part) == value) return true;
  }
  return false;
}

}  // namespace anabranch::fake_claude
