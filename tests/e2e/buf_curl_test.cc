// A stock client that knows nothing of the project but its address: it learns
// the services over reflection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/cluster_fixture.h"
#include "tests/support/process.h"

namespace anabranch::e2e {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

class BufCurl : public support::ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    const char* buf = std::getenv("ANABRANCH_BUF");
    ASSERT_NE(buf, nullptr) << "ANABRANCH_BUF must name buf; ./dev test does";
    buf_ = buf;
    ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
    ASSERT_NO_FATAL_FAILURE(StartWorker());
  }

  std::string Buf(std::vector<std::string> more) {
    std::vector<std::string> arguments = {
        "curl", "--http2-prior-knowledge", "--protocol",
        "grpc", "--reflect-protocol",      "grpc-v1alpha"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto run =
        support::RunProcess({.program = buf_,
                             .arguments = std::move(arguments),
                             .environment = {{"HOME", folder_->path()}}},
                            support::kPatience);
    EXPECT_TRUE(run.ok()) << run.status();
    if (!run.ok()) return "";
    EXPECT_EQ(run->end.exit_code, 0) << run->out;
    return run->out;
  }

  Json Call(const std::string& method, const Json& request) {
    const std::string out = Buf(
        {"-d", request.dump(), "http://" + cluster_->address() + "/" + method});
    const Json answer = Json::parse(out, nullptr, false);
    EXPECT_TRUE(answer.is_object()) << out;
    return answer.is_object() ? answer : Json::object();
  }

  std::string buf_;
};

TEST_F(BufCurl, ListsTheServices) {
  const std::string out =
      Buf({"--list-methods", "http://" + cluster_->address()});
  EXPECT_THAT(out, HasSubstr("anabranch.v1.RunService/StartRun"));
  EXPECT_THAT(out, HasSubstr("anabranch.v1.FlowService/ListFlows"));
  EXPECT_THAT(out, HasSubstr("anabranch.v1.ConversationService/"));
  EXPECT_THAT(out, HasSubstr("anabranch.v1.ActivityService/Connect"));
  EXPECT_THAT(out, HasSubstr("grpc.health.v1.Health/Check"));
}

TEST_F(BufCurl, StartsAwaitsAndReadsARun) {
  const Json started = Call("anabranch.v1.RunService/StartRun",
                            {{"flow", "echo"},
                             {"run_id", "by-hand"},
                             {"input", {{"json", {{"say", "hi"}}}}}});
  EXPECT_EQ(started.value("created", false), true) << started;
  const Json awaited = Call("anabranch.v1.RunService/AwaitRun",
                            {{"run_id", "by-hand"}, {"timeout", "30s"}});
  EXPECT_EQ(awaited.value("done", false), true) << awaited;
  EXPECT_EQ(awaited["run"]["result"]["json"]["say"], "hi") << awaited;
  const Json history =
      Call("anabranch.v1.RunService/GetHistory", {{"run_id", "by-hand"}});
  ASSERT_EQ(history["events"].size(), 4u) << history;
  EXPECT_TRUE(history["events"][0].contains("runStarted"));
  EXPECT_TRUE(history["events"][3].contains("runCompleted"));
}

TEST_F(BufCurl, AsksForHealth) {
  for (const char* service : {"", "anabranch.v1.RunService"}) {
    const Json health =
        Call("grpc.health.v1.Health/Check", {{"service", service}});
    EXPECT_EQ(health.value("status", ""), "SERVING") << service;
  }
}

}  // namespace
}  // namespace anabranch::e2e
