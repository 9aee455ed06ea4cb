// Health, reflection and addresses.
#include "orchestrator/rpc/server.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include <future>

#include "grpc/health/v1/health.pb.h"
#include "orchestrator/rpc/listen_address.h"
#include "orchestrator/rpc/rpc_fixture.h"

namespace anabranch::rpc {
namespace {

using ::testing::HasSubstr;
using HealthRequest = grpc::health::v1::HealthCheckRequest;
using HealthResponse = grpc::health::v1::HealthCheckResponse;

class ServerTest : public RpcTest {
 protected:
  std::string Health(const std::string& service) {
    grpc::TemplatedGenericStub<HealthRequest, HealthResponse> stub(channel_);
    grpc::ClientContext context;
    HealthRequest request;
    request.set_service(service);
    HealthResponse response;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request,
                   &response,
                   [&](grpc::Status status) { done.set_value(status); });
    grpc::Status status = done.get_future().get();
    if (!status.ok()) return "error " + std::to_string(status.error_code());
    return HealthResponse::ServingStatus_Name(response.status());
  }

  // What reflection answers on `symbol`, as it lies on the wire.
  std::string Reflect(const std::string& symbol) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto call = stub.PrepareCall(
        &context,
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        &queue);
    auto wait = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      queue.Next(&tag, &ok);
      return ok;
    };
    call->StartCall(nullptr);
    EXPECT_TRUE(wait());
    // Field 4 of ServerReflectionRequest: file_containing_symbol.
    std::string bytes = "\x22";
    bytes += static_cast<char>(symbol.size());
    bytes += symbol;
    grpc::Slice slice(bytes);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    EXPECT_TRUE(wait());
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    EXPECT_TRUE(wait());
    context.TryCancel();
    grpc::Status status;
    call->Finish(&status, nullptr);
    wait();
    grpc::Slice whole;
    EXPECT_TRUE(answer.DumpToSingleSlice(&whole).ok());
    return std::string(reinterpret_cast<const char*>(whole.begin()),
                       whole.size());
  }
};

TEST_F(ServerTest, TellsItsHealth) {
  EXPECT_EQ(Health(""), "SERVING");
  EXPECT_EQ(Health("anabranch.v1.RunService"), "SERVING");
  EXPECT_EQ(Health("anabranch.v1.ActivityService"), "SERVING");
  EXPECT_EQ(Health("nope"), "error 5");
  server_->SetNotServing();
  EXPECT_EQ(Health(""), "NOT_SERVING");
  EXPECT_EQ(Health("anabranch.v1.FlowService"), "NOT_SERVING");
}

TEST_F(ServerTest, ReflectionKnowsServicesAndErrorDetails) {
  EXPECT_THAT(Reflect("anabranch.v1.RunService"), HasSubstr("StartRunRequest"));
  EXPECT_THAT(Reflect("anabranch.v1.HistoryEvent"), HasSubstr("RunStarted"));
  EXPECT_THAT(Reflect("google.rpc.ErrorInfo"),
              HasSubstr("PreconditionFailure"));
  EXPECT_THAT(Reflect("google.rpc.Status"), HasSubstr("details"));
  EXPECT_THAT(Reflect("grpc.health.v1.Health"), HasSubstr("Watch"));
}

TEST_F(ServerTest, ASecondServerOnThePortIsRefused) {
  ServerOptions options;
  options.address = server_->address();
  auto second = Server::Start(backend_, options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(ErrorReason(second.status()), "ADDRESS_IN_USE");
}

TEST(ServerAddress, OneThatIsNotOfThisMachineIsUnavailable) {
  // Reserved for documentation: nobody has it.
  EXPECT_EQ(ErrorReason(ExplainListenFailure({"203.0.113.1", 7400})),
            "ADDRESS_UNAVAILABLE");
}

TEST(ServerAddress, OnlyLoopbackUnlessTold) {
  ServerOptions options;
  options.address = "0.0.0.0:0";
  EXPECT_EQ(ErrorReason(CheckAddress(options)), "INVALID_ADDRESS");
  options.insecure_listen = true;
  EXPECT_TRUE(CheckAddress(options).ok());
  options.insecure_listen = false;
  for (const char* fine :
       {"127.0.0.1:7400", "127.1.2.3:0", "localhost:7400", "[::1]:7400"}) {
    options.address = fine;
    EXPECT_TRUE(CheckAddress(options).ok()) << fine;
  }
}

TEST(ServerAddress, IsHostAndPort) {
  ServerOptions options;
  options.insecure_listen = true;
  for (const char* bad : {"", "7400", "127.0.0.1", "127.0.0.1:x",
                          "127.0.0.1:99999", ":7400", "::1:7400", "[]:7400"}) {
    options.address = bad;
    EXPECT_EQ(ErrorReason(CheckAddress(options)), "INVALID_ADDRESS") << bad;
  }
}

}  // namespace
}  // namespace anabranch::rpc
