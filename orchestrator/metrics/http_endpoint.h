// HttpEndpoint: /metrics for Prometheus and /healthz for whoever starts and
// stops this process, on a port of their own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace httplib {
class Server;
}

namespace anabranch::metrics {

// Threads: one of its own and a few of httplib's; the functions are called on
// those.
class HttpEndpoint {
 public:
  struct Options {
    std::string host;
    int port = 0;  // 0: any free one
    std::function<std::string()> metrics;
    // Why nobody should be sent here now; OK when all is well.
    std::function<absl::Status()> health;
  };
  // Serves when it returns. kUnavailable when nobody can listen there.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(Options options);

  ~HttpEndpoint();
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  int port() const { return port_; }

 private:
  explicit HttpEndpoint(Options options);

  const Options options_;
  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::thread thread_;
};

}  // namespace anabranch::metrics
