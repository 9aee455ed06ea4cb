#include "activity_worker/activities/api_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "activity_worker/executor/http_engine.h"

namespace anabranch::activity_worker {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

ApiEndpoint Make(const ApiEnvironment& environment) {
  auto endpoint = ApiEndpoint::Create(environment);
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  return *endpoint;
}

TEST(ApiEndpoint, WithoutAKeyTheRealApiIsNotAvailable) {
  const ApiEndpoint endpoint = Make({});
  EXPECT_FALSE(endpoint.available());
  EXPECT_THAT(endpoint.description(), HasSubstr("ANTHROPIC_API_KEY"));
}

TEST(ApiEndpoint, SendsTheKeyAndTheDefaultVersion) {
  const ApiEndpoint endpoint = Make({.api_key = "sk-1", .auth_token = "t"});
  EXPECT_TRUE(endpoint.available());
  EXPECT_EQ(endpoint.messages_url(), "https://api.anthropic.com/v1/messages");
  EXPECT_THAT(endpoint.Headers(), Contains("x-api-key: sk-1"));
  EXPECT_THAT(endpoint.Headers(), Contains("anthropic-version: 2023-06-01"));
  // Both together would be refused.
  EXPECT_THAT(endpoint.Headers(), Not(Contains(StartsWith("authorization:"))));
}

TEST(ApiEndpoint, SendsATokenAsBearer) {
  const ApiEndpoint endpoint =
      Make({.auth_token = "tok", .version = "2026-10-21", .beta = "one,two"});
  EXPECT_THAT(endpoint.Headers(), Contains("authorization: Bearer tok"));
  EXPECT_THAT(endpoint.Headers(), Contains("anthropic-version: 2026-10-21"));
  EXPECT_THAT(endpoint.Headers(), Contains("anthropic-beta: one,two"));
}

TEST(ApiEndpoint, AnApiOnThisMachineNeedsNoKey) {
  const ApiEndpoint endpoint =
      Make({.base_url = "http://127.0.0.1:8787/prefix/"});
  EXPECT_TRUE(endpoint.available());
  EXPECT_EQ(endpoint.messages_url(),
            "http://127.0.0.1:8787/prefix/v1/messages");
  EXPECT_THAT(endpoint.Headers(), Contains("x-api-key: local"));
  EXPECT_THAT(endpoint.description(), HasSubstr("no key"));
}

TEST(ApiEndpoint, RefusesPlainHttpToElsewhere) {
  for (const char* url :
       {"http://api.example.com", "http://127.example.com",
        "http://127.0.0.1@example.com", "ftp://127.0.0.1", "localhost:80",
        "https://user:secret@example.com", "https://", "https://a?b=c"}) {
    const auto endpoint = ApiEndpoint::Create({.base_url = url});
    EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument)
        << url;
    EXPECT_THAT(std::string(endpoint.status().message()),
                Not(HasSubstr("secret")));
  }
}

TEST(ApiEndpoint, RefusesWhatWouldSplitAHeader) {
  const auto endpoint = ApiEndpoint::Create({.api_key = "sk-1\r\nx: y"});
  EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(endpoint.status().message()), Not(HasSubstr("sk-1")));
  EXPECT_FALSE(ApiEndpoint::Create({.version = "latest"}).ok());
}

TEST(ApiEndpoint, TheKeyIsNowhereButInTheHeaders) {
  const ApiEndpoint endpoint = Make({.api_key = "sk-secret"});
  EXPECT_THAT(endpoint.description(), Not(HasSubstr("sk-secret")));
  EXPECT_EQ(endpoint.Scrub("bad key sk-secret, sk-secret!"),
            "bad key [key], [key]!");
}

TEST(IsLoopbackHttp, KnowsThisMachine) {
  EXPECT_TRUE(IsLoopbackHttp("http://127.0.0.1:80/x"));
  EXPECT_TRUE(IsLoopbackHttp("http://127.1.2.3"));
  EXPECT_TRUE(IsLoopbackHttp("http://localhost:8080"));
  EXPECT_TRUE(IsLoopbackHttp("http://[::1]:8080/"));
  EXPECT_FALSE(IsLoopbackHttp("https://127.0.0.1"));
  EXPECT_FALSE(IsLoopbackHttp("http://localhost.example.com"));
  EXPECT_FALSE(IsLoopbackHttp("http://[::2]"));
}

}  // namespace
}  // namespace anabranch::activity_worker
