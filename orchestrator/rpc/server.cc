#include "orchestrator/rpc/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/listen_address.h"
#include "orchestrator/rpc/services.h"

namespace anabranch::rpc {
namespace {

constexpr int kKeepaliveTimeMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
// Clients may ping this often, calls or not: half of what ours do, so that no
// jitter makes them break the rule.
constexpr int kClientPingMs = 5'000;

constexpr const char* kServices[] = {
    "anabranch.v1.RunService", "anabranch.v1.FlowService",
    "anabranch.v1.ConversationService", "anabranch.v1.ActivityService"};

// gRPC's own messages are for those who look for them: what users must know is
// said by us.
void ForwardLog(gpr_log_func_args* args) {
  spdlog::debug("grpc: {} ({}:{})", args->message, args->file, args->line);
}

// Links in what reflection is to describe: the types that error details are
// made of, and the health service, which gRPC itself has no descriptor of.
void LinkDescriptors() {
  google::rpc::ErrorInfo::descriptor();
  google::rpc::Status::descriptor();
  grpc::health::v1::HealthCheckRequest::descriptor();
}

void Configure(grpc::ServerBuilder& builder) {
  // Otherwise a second server on a used port starts happily.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(limits::kRequestBytesMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

}  // namespace

class Server::Impl {
 public:
  absl::Status Start(Backend& backend, const ListenAddress& address) {
    LinkDescriptors();
    gpr_set_log_function(&ForwardLog);
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    services_.push_back(MakeRunService(backend));
    services_.push_back(MakeFlowService(backend));
    services_.push_back(MakeConversationService(backend));
    services_.push_back(MakeActivityService(backend));
    grpc::ServerBuilder builder;
    Configure(builder);
    int port = 0;
    builder.AddListeningPort(address.ToString(),
                             grpc::InsecureServerCredentials(), &port);
    for (auto& service : services_) builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) return ExplainListenFailure(address);
    ListenAddress taken = address;
    taken.port = port;
    address_ = taken.ToString();
    SetServing(true);
    return absl::OkStatus();
  }

  void SetServing(bool serving) {
    auto* health = server_->GetHealthCheckService();
    if (health == nullptr) return;
    // The empty name is the server as a whole.
    health->SetServingStatus(serving);
    for (const char* service : kServices) {
      health->SetServingStatus(service, serving);
    }
  }

  void Shutdown(absl::Duration grace) {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() +
                      absl::ToChronoMilliseconds(grace));
    server_->Wait();
    server_ = nullptr;
  }

  const std::string& address() const { return address_; }

 private:
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

absl::Status CheckAddress(const ServerOptions& options) {
  ASSIGN_OR_RETURN(ListenAddress address, ParseListenAddress(options.address));
  if (address.IsLoopback() || options.insecure_listen) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "INVALID_ADDRESS",
      absl::StrCat("--address: others can reach ", options.address,
                   ", and there is no TLS and no authentication. Use "
                   "127.0.0.1, or add --insecure-listen."),
      {{"address", options.address}});
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    Backend& backend, const ServerOptions& options) {
  RETURN_IF_ERROR(CheckAddress(options));
  ASSIGN_OR_RETURN(ListenAddress address, ParseListenAddress(options.address));
  auto impl = std::make_unique<Impl>();
  RETURN_IF_ERROR(impl->Start(backend, address));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { impl_->Shutdown(absl::ZeroDuration()); }
const std::string& Server::address() const { return impl_->address(); }
void Server::SetNotServing() { impl_->SetServing(false); }
void Server::Shutdown(absl::Duration grace) { impl_->Shutdown(grace); }

}  // namespace anabranch::rpc
