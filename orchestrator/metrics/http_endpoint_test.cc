#include "orchestrator/metrics/http_endpoint.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "httplib.h"

namespace anabranch::metrics {
namespace {

TEST(HttpEndpoint, ServesMetricsAndHealth) {
  absl::Status health;
  auto endpoint = HttpEndpoint::Start({.host = "127.0.0.1",
                                       .port = 0,
                                       .metrics = [] { return "a_metric 1\n"; },
                                       .health = [&health] { return health; }});
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  httplib::Client client("127.0.0.1", (*endpoint)->port());
  auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "a_metric 1\n");
  EXPECT_EQ(answer->get_header_value("Content-Type"),
            "text/plain; version=0.0.4");
  EXPECT_EQ(client.Get("/healthz")->body, "ok\n");

  health = absl::UnavailableError("going down");
  answer = client.Get("/healthz");
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "going down\n");
  EXPECT_EQ(client.Get("/other")->status, 404);
}

TEST(HttpEndpoint, APortThatIsTakenIsRefused) {
  const auto start = [](int port) {
    return HttpEndpoint::Start({.host = "127.0.0.1",
                                .port = port,
                                .metrics = [] { return ""; },
                                .health = [] { return absl::OkStatus(); }});
  };
  auto first = start(0);
  ASSERT_TRUE(first.ok()) << first.status();
  const int port = (*first)->port();
  EXPECT_TRUE(absl::IsUnavailable(start(port).status()));
  first->reset();
  EXPECT_TRUE(start(port).ok());
}

}  // namespace
}  // namespace anabranch::metrics
