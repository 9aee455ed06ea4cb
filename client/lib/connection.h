// A channel, and the patience to wait for a server that is away.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/lib/client.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"

namespace anabranch::client {

// Threads: safe to call from any; calls block.
class Connection {
 public:
  explicit Connection(const ClientOptions& options);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Makes attempts until one ends with something else than UNAVAILABLE, or the
  // server has been away for longer than the options allow.
  absl::Status Call(
      absl::Duration timeout,
      const std::function<grpc::Status(grpc::ClientContext&)>& attempt);

  // One outage of the server, as one call sees it.
  class Outage {
   public:
    explicit Outage(Connection& connection) : connection_(connection) {}
    // After an UNAVAILABLE attempt: OK when another one is worth making.
    absl::Status Wait(const absl::Status& error);
    // After anything that shows the server alive.
    void End();

   private:
    absl::Status GiveUp(const absl::Status& error) const;

    Connection& connection_;
    absl::Time since_ = absl::InfiniteFuture();
    absl::Duration backoff_;
  };

 private:
  const ClientOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::atomic<bool> answered_{false};  // at least once, by this server
};

}  // namespace anabranch::client
