// Where the Messages API is and how to be let in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace anabranch::activity_worker {

// What the environment says; empty for what it does not.
struct ApiEnvironment {
  std::string api_key = "";     // ANTHROPIC_API_KEY
  std::string auth_token = "";  // ANTHROPIC_AUTH_TOKEN
  std::string base_url = "";    // ANTHROPIC_BASE_URL
  std::string version = "";     // ANTHROPIC_VERSION
  std::string beta = "";        // ANTHROPIC_BETA

  static ApiEnvironment OfProcess();
};

// Holds the key: nothing that it returns but Headers() contains it. Immutable;
// threads: any.
class ApiEndpoint {
 public:
  // InvalidArgument names the variable: an URL that is neither https nor http
  // to this machine, or that carries user information; an unprintable key; an
  // odd version. No message contains a key.
  static absl::StatusOr<ApiEndpoint> Create(const ApiEnvironment& environment);

  // Whether calls can be made: there is a key, or the API is on this machine.
  bool available() const { return !auth_header_.empty(); }

  // One line for people: where calls go and where the key comes from.
  const std::string& description() const { return description_; }

  const std::string& messages_url() const { return messages_url_; }

  // What every call sends: "name: value", one of them with the key.
  std::vector<std::string> Headers() const;

  // `text` without the key, should a server have echoed it.
  std::string Scrub(std::string_view text) const;

 private:
  ApiEndpoint() = default;

  std::string messages_url_;
  std::string auth_header_;
  std::string secret_;
  std::string version_;
  std::string beta_;
  std::string description_;
};

}  // namespace anabranch::activity_worker
