// A request that was read: who asks, in which version, for what.
#pragma once

#include <string>

#include "fake_claude/api_error.h"
#include "fake_claude/catalogue.h"
#include "fake_claude/text.h"

namespace anabranch::fake_claude {

// The API versions differ in what they accept.
enum class Version { k2023_06_01, k2026_10_21 };

// The headers that decide whether a request is heard.
struct RequestHeaders {
  std::string api_key;  // x-api-key
  std::string authorization;
  std::string version;  // anthropic-version
  std::string beta;     // anthropic-beta, comma separated
  bool has_api_key = false;
  bool has_authorization = false;
};

struct ApiRequest {
  Version version = Version::k2023_06_01;
  std::string beta;
  Json body;
  const Model* model = nullptr;
  bool stream = false;
  // count_tokens: the same rules but for what concerns the reply.
  bool count_only = false;
};

// 401 without a key or with two, or when `required_key` is not empty and the
// key is another.
Refusal CheckAuth(const RequestHeaders& headers,
                  const std::string& required_key);
// 400 for a missing or unknown version.
Refusal CheckVersion(const RequestHeaders& headers, Version* version);

// Whether the comma separated `list` has `value`.
bool HasBeta(const std::string& list, const std::string& value);

}  // namespace anabranch::fake_claude
