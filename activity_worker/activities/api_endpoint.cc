#include "activity_worker/activities/api_endpoint.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "activity_worker/executor/http_engine.h"

namespace anabranch::activity_worker {
namespace {

constexpr char kDefaultBaseUrl[] = "https://api.anthropic.com";
constexpr char kDefaultVersion[] = "2023-06-01";
// What an API on this machine gets when there is no key.
constexpr char kLocalKey[] = "local";

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return "";
  return std::string(absl::StripAsciiWhitespace(value));
}

// Whether it can stand in a header line.
bool IsPrintable(std::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != ' ') {
      return false;
    }
  }
  return true;
}

absl::Status CheckHeaderValue(const char* name, std::string_view value) {
  if (IsPrintable(value)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " holds characters that no HTTP header can carry"));
}

absl::Status CheckBaseUrl(const std::string& url) {
  constexpr std::string_view kHttps = "https://";
  const bool https = url.compare(0, kHttps.size(), kHttps) == 0;
  const size_t host = url.find("://");
  const size_t end = host == std::string::npos ? 0 : host + 3;
  const std::string authority = url.substr(end, url.find('/', end) - end);
  if (authority.find('@') != std::string::npos) {
    return absl::InvalidArgumentError(
        "ANTHROPIC_BASE_URL must not carry a user or password");
  }
  if ((!https && !IsLoopbackHttp(url)) || authority.empty() ||
      url.find_first_of("?# ") != std::string::npos || !IsPrintable(url)) {
    return absl::InvalidArgumentError(
        absl::StrCat("ANTHROPIC_BASE_URL must be https://HOST[:PORT][/PATH], "
                     "or http:// on this machine (127.0.0.1, localhost, "
                     "[::1]), not \"",
                     url, "\""));
  }
  return absl::OkStatus();
}

bool IsVersion(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-dd";
  if (text.size() != kShape.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit =
        absl::ascii_isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kShape[i] == 'd' ? !digit : text[i] != '-') return false;
  }
  return true;
}

absl::Status Check(const ApiEnvironment& environment) {
  for (const absl::Status& status :
       {CheckHeaderValue("ANTHROPIC_API_KEY", environment.api_key),
        CheckHeaderValue("ANTHROPIC_AUTH_TOKEN", environment.auth_token),
        CheckHeaderValue("ANTHROPIC_BETA", environment.beta)}) {
    if (!status.ok()) return status;
  }
  if (!environment.version.empty() && !IsVersion(environment.version)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the API version must be a date such as 2023-06-01 or "
                     "2026-10-21, not \"",
                     environment.version, "\""));
  }
  return absl::OkStatus();
}

}  // namespace

ApiEnvironment ApiEnvironment::OfProcess() {
  return {.api_key = Variable("ANTHROPIC_API_KEY"),
          .auth_token = Variable("ANTHROPIC_AUTH_TOKEN"),
          .base_url = Variable("ANTHROPIC_BASE_URL"),
          .version = Variable("ANTHROPIC_VERSION"),
          .beta = Variable("ANTHROPIC_BETA")};
}

absl::StatusOr<ApiEndpoint> ApiEndpoint::Create(
    const ApiEnvironment& environment) {
  std::string base =
      environment.base_url.empty() ? kDefaultBaseUrl : environment.base_url;
  if (base.back() == '/') base.pop_back();
  for (const absl::Status& status : {Check(environment), CheckBaseUrl(base)}) {
    if (!status.ok()) return status;
  }
  ApiEndpoint endpoint;
  endpoint.messages_url_ = base + "/v1/messages";
  endpoint.version_ =
      environment.version.empty() ? kDefaultVersion : environment.version;
  endpoint.beta_ = environment.beta;
  std::string source;
  if (!environment.api_key.empty()) {
    // Both would be refused; the official clients prefer the key as well.
    source = "the key in ANTHROPIC_API_KEY";
    endpoint.secret_ = environment.api_key;
    endpoint.auth_header_ = "x-api-key: " + environment.api_key;
  } else if (!environment.auth_token.empty()) {
    source = "the token in ANTHROPIC_AUTH_TOKEN";
    endpoint.secret_ = environment.auth_token;
    endpoint.auth_header_ = "authorization: Bearer " + environment.auth_token;
  } else if (IsLoopbackHttp(base)) {
    source = "no key, as the API is on this machine";
    endpoint.auth_header_ = absl::StrCat("x-api-key: ", kLocalKey);
  }
  endpoint.description_ =
      endpoint.available()
          ? absl::StrCat(base, " (anthropic-version ", endpoint.version_,
                         ") with ", source)
          : absl::StrCat(
                "no key for ", base,
                ": set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, or set "
                "ANTHROPIC_BASE_URL to an API on this machine");
  return endpoint;
}

std::vector<std::string> ApiEndpoint::Headers() const {
  std::vector<std::string> headers = {
      "content-type: application/json",
      "accept: application/json",
      "anthropic-version: " + version_,
      auth_header_,
  };
  if (!beta_.empty()) headers.push_back("anthropic-beta: " + beta_);
  return headers;
}

std::string ApiEndpoint::Scrub(std::string_view text) const {
  const absl::string_view view(text.data(), text.size());
  if (secret_.empty()) return std::string(text);
  return absl::StrReplaceAll(view, {{secret_, "[key]"}});
}

}  // namespace anabranch::activity_worker
