#include "orchestrator/rpc/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

using ::testing::HasSubstr;

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  return rich;
}

google::rpc::ErrorInfo Info(const grpc::Status& status) {
  google::rpc::ErrorInfo info;
  EXPECT_TRUE(Details(status).details(0).UnpackTo(&info));
  return info;
}

TEST(Status, CarriesReasonAndMetadata) {
  grpc::Status status =
      ToGrpcStatus(FlowNotFound("nope", {"claude_chat", "fork_compare"}));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("claude_chat, fork_compare"));
  google::rpc::ErrorInfo info = Info(status);
  EXPECT_EQ(info.reason(), "FLOW_NOT_FOUND");
  EXPECT_EQ(info.domain(), "anabranch");
  EXPECT_EQ(info.metadata().at("flow"), "nope");
}

TEST(Status, GivesEveryErrorAReason) {
  EXPECT_EQ(Info(ToGrpcStatus(absl::InternalError("x"))).reason(), "INTERNAL");
}

TEST(Status, PutsErrorInfoBeforeOtherDetails) {
  grpc::Status status = ToGrpcStatus(Draining());
  EXPECT_EQ(Info(status).reason(), "DRAINING");
  google::rpc::RetryInfo retry;
  ASSERT_EQ(Details(status).details_size(), 2);
  EXPECT_TRUE(Details(status).details(1).UnpackTo(&retry));
}

TEST(Status, KeepsWithinTheMetadataLimit) {
  std::vector<FieldProblem> problems(
      500, FieldProblem{"branches[1].name", "is used twice"});
  grpc::Status status = ToGrpcStatus(InvalidFields(problems));
  EXPECT_LT(status.error_message().size(), 1300);
  EXPECT_LT(status.error_details().size(), 6000);
  EXPECT_EQ(Info(status).reason(), "INVALID_FIELD");
}

TEST(Status, OkStaysOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(Errors, IdsAreChecked) {
  EXPECT_TRUE(CheckId("run_id", "a-1.b:c_d").ok());
  EXPECT_FALSE(CheckId("run_id", "").ok());
  EXPECT_FALSE(CheckId("run_id", "-a").ok());
  EXPECT_FALSE(CheckId("run_id", "a b").ok());
  EXPECT_TRUE(CheckId("run_id", std::string(128, 'a')).ok());
  EXPECT_FALSE(CheckId("run_id", std::string(129, 'a')).ok());
}

TEST(Errors, LongAndBrokenValuesAreMadeSafe) {
  EXPECT_EQ(Shortened("a\xff"), "a\xEF\xBF\xBD");
  EXPECT_LT(Shortened(std::string(1000, 'x')).size(), 90);
}

}  // namespace
}  // namespace anabranch::rpc
