#include "orchestrator/metrics/http_endpoint.h"

#include <sys/socket.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "httplib.h"

namespace anabranch::metrics {
namespace {

// Enough for a scraper and a probe or two; more wait.
constexpr size_t kThreads = 2;
// A client that says nothing must not hold a thread.
constexpr time_t kPatienceSeconds = 5;

}  // namespace

HttpEndpoint::HttpEndpoint(Options options)
    : options_(std::move(options)),
      server_(std::make_unique<httplib::Server>()) {
  // httplib's own choice lets two processes share a port.
  server_->set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server_->set_read_timeout(kPatienceSeconds);
  server_->set_write_timeout(kPatienceSeconds);
  server_->set_keep_alive_timeout(kPatienceSeconds);
  server_->Get(
      "/metrics", [this](const httplib::Request&, httplib::Response& response) {
        response.set_content(options_.metrics(), "text/plain; version=0.0.4");
      });
  server_->Get(
      "/healthz", [this](const httplib::Request&, httplib::Response& response) {
        const absl::Status health = options_.health();
        response.status = health.ok() ? 200 : 503;
        response.set_content(
            health.ok() ? "ok\n" : absl::StrCat(health.message(), "\n"),
            "text/plain");
      });
}

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(
    Options options) {
  std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint(std::move(options)));
  const Options& known = endpoint->options_;
  if (known.port == 0) {
    endpoint->port_ = endpoint->server_->bind_to_any_port(known.host);
  } else if (endpoint->server_->bind_to_port(known.host, known.port)) {
    endpoint->port_ = known.port;
  }
  if (endpoint->port_ <= 0) {
    return absl::UnavailableError(
        absl::StrCat("nobody can listen on ", known.host, ":", known.port));
  }
  endpoint->thread_ = std::thread(
      [server = endpoint->server_.get()] { server->listen_after_bind(); });
  // A stop before that would go unheard.
  while (!endpoint->server_->is_running()) std::this_thread::yield();
  return endpoint;
}

HttpEndpoint::~HttpEndpoint() {
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace anabranch::metrics
