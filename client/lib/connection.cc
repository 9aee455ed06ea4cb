#include "client/lib/connection.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/lib/error_details.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace anabranch::client {
namespace {

// Stock limits (4 MiB) are below a transcript; the server's own are what
// counts.
constexpr int kMessageBytesMax = 64 * 1024 * 1024;
// A restarted server is back within tens of milliseconds.
constexpr int kReconnectMs = 20;
constexpr int kReconnectMsMax = 250;
constexpr int kConnectTimeoutMs = 5'000;
constexpr absl::Duration kBackoff = absl::Milliseconds(20);
constexpr absl::Duration kBackoffMax = absl::Seconds(1);

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetMaxSendMessageSize(kMessageBytesMax);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMsMax);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  // A dead peer shows even without a reset. The server accepts pings every 10
  // s.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 15'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // Backoff of one client is no business of another's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // The server is the next process or a named one: no proxy from the
  // environment.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Trying again is this class's business.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   arguments);
}

}  // namespace

Connection::Connection(const ClientOptions& options)
    : options_(options), channel_(MakeChannel(options.address)) {}

absl::Status Connection::Call(
    absl::Duration timeout,
    const std::function<grpc::Status(grpc::ClientContext&)>& attempt) {
  Outage outage(*this);
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    absl::Status status = FromGrpcStatus(attempt(context));
    if (status.code() != absl::StatusCode::kUnavailable) {
      outage.End();
      return status;
    }
    if (absl::Status waited = outage.Wait(status); !waited.ok()) return waited;
  }
}

void Connection::Outage::End() {
  connection_.answered_ = true;
  since_ = absl::InfiniteFuture();
}

absl::Status Connection::Outage::GiveUp(const absl::Status& error) const {
  // An answer of the server's (draining, disk full) says more than we could.
  if (!DetailsOf(error).reason.empty()) return error;
  const std::string& address = connection_.options_.address;
  return MakeError(
      absl::StatusCode::kUnavailable,
      absl::StrCat("no orchestrator answers at ", address), kReasonUnreachable,
      {{"address", address}, {"cause", std::string(error.message())}});
}

absl::Status Connection::Outage::Wait(const absl::Status& error) {
  const ClientOptions& options = connection_.options_;
  const absl::Time now = absl::Now();
  if (since_ == absl::InfiniteFuture()) {
    since_ = now;
    backoff_ = kBackoff;
    if (connection_.answered_ && options.on_outage) options.on_outage(error);
  }
  const absl::Time until =
      since_ + (connection_.answered_ ? options.outage_patience
                                      : options.connect_patience);
  if (now >= until) return GiveUp(error);
  if (connection_.channel_->GetState(/*try_to_connect=*/true) !=
      GRPC_CHANNEL_READY) {
    if (!connection_.channel_->WaitForConnected(absl::ToChronoTime(until))) {
      return GiveUp(error);
    }
    return absl::OkStatus();
  }
  // Connected: the server itself asks for patience.
  const absl::Duration delay = std::max(backoff_, DetailsOf(error).retry_delay);
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
  if (now + delay > until) return GiveUp(error);
  absl::SleepFor(delay);
  return absl::OkStatus();
}

}  // namespace anabranch::client
