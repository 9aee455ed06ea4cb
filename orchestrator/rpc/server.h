// Server: the gRPC server with all services, reflection and health.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anabranch::rpc {

struct Backend;

struct ServerOptions {
  // HOST:PORT; port 0 takes a free one.
  std::string address = "127.0.0.1:7400";
  // Allows addresses that others can reach: there is no TLS yet.
  bool insecure_listen = false;
};

// kInvalidArgument, INVALID_ADDRESS, when `options.address` is none, or one
// that others can reach without `insecure_listen`.
absl::Status CheckAddress(const ServerOptions& options);

// Threads: gRPC's own. The backend outlives it.
class Server {
 public:
  // Serves when it returns. kUnavailable, ADDRESS_IN_USE or
  // ADDRESS_UNAVAILABLE, when the port cannot be had.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      Backend& backend, const ServerOptions& options);

  // Shuts down at once if that was not done.
  ~Server();

  // With the port that was taken: "127.0.0.1:7400".
  const std::string& address() const;

  // Health answers NOT_SERVING from now on.
  void SetNotServing();

  // Takes no new calls, and cancels those that are not done after `grace`.
  void Shutdown(absl::Duration grace);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anabranch::rpc
