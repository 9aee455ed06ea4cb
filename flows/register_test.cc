#include "flows/register.h"

#include <string>
#include <vector>

#include "claude/json.h"
#include "claude/transcript_fixture.h"
#include "flows/testing/prepare_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sdk/flow_instance.h"

namespace anabranch::flows {
namespace {

class RegisteredFlows : public ::testing::Test {
 protected:
  RegisteredFlows() { RegisterFlows(registry_); }
  sdk::FlowRegistry registry_{"test"};
};

TEST_F(RegisteredFlows, AreAllThatShip) {
  std::vector<std::string> names;
  for (const auto* flow : registry_.List()) names.push_back(flow->name);
  EXPECT_THAT(names,
              ::testing::ElementsAre("claude_chat", "echo", "fork_compare",
                                     "map_runs", "repeat", "run_activity",
                                     "sequence", "sleep", "wait_for_signal"));
}

TEST_F(RegisteredFlows, DescribeThemselves) {
  for (const auto* flow : registry_.List()) {
    SCOPED_TRACE(flow->name);
    EXPECT_FALSE(flow->description.empty());
    for (const std::string& schema :
         {flow->input_schema, flow->output_schema}) {
      const auto object = claude::JsonObject::Parse(schema);
      ASSERT_TRUE(object.ok()) << object.status();
      EXPECT_FALSE(object->GetString("$schema").empty());
      EXPECT_FALSE(object->GetString("title").empty());
    }
    EXPECT_NE(flow->create(), nullptr);
  }
}

TEST_F(RegisteredFlows, HaveExamplesThatWork) {
  FakePrepareContext context;
  context.Add("11111111-1111-4111-8111-111111111111",
              claude::ReadTranscriptFile("in_place_branch.jsonl"));
  for (const auto* flow : registry_.List()) {
    SCOPED_TRACE(flow->name);
    EXPECT_TRUE(claude::ValidateJson(flow->example).ok());
    if (flow->prepare) {
      EXPECT_EQ(Refusal(*flow, flow->example, context), "OK");
    }
  }
}

// A field that a schema names is known at the door, and the other way round.
TEST_F(RegisteredFlows, HaveSchemasThatNameTheFieldsOfTheDoor) {
  FakePrepareContext context;
  for (const auto* flow : registry_.List()) {
    if (!flow->prepare) continue;
    SCOPED_TRACE(flow->name);
    std::string fields;
    const auto schema = claude::JsonObject::Parse(flow->input_schema);
    const auto properties =
        claude::JsonObject::Parse(schema->Get("properties"));
    ASSERT_TRUE(properties.ok());
    for (const auto& member : properties->members()) {
      if (!fields.empty()) fields += ", ";
      fields += std::string(member.key);
    }
    EXPECT_THAT(Refusal(*flow, R"({"no such field":1})", context),
                ::testing::HasSubstr("is unknown; known: " + fields));
  }
}

}  // namespace
}  // namespace anabranch::flows
