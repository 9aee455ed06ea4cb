#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <sstream>

#include "orchestrator/rpc/rpc_fixture.h"

namespace anabranch::rpc {
namespace {

using ::testing::HasSubstr;

constexpr char kFolder[] = "tests/data/transcripts/";
constexpr char kSubagent[] =
    "33333333-3333-4333-8333-333333333333/subagents/"
    "agent-a8a7510889e5954cd.jsonl";

std::string ReadTranscript(const std::string& name) {
  std::ifstream file(kFolder + name, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_FALSE(bytes.str().empty()) << name;
  return bytes.str();
}

class ConversationServiceTest : public RpcTest {
 protected:
  grpc::Status Import(const api::ImportConversationRequest& request,
                      api::ImportConversationResponse& response) {
    grpc::ClientContext context;
    return conversations_->ImportConversation(&context, request, &response);
  }

  // Plays the shard: stores what comes as revision 1.
  void StoreNext() {
    auto import = shard_.Take<shard::ImportConversation>();
    import.record.set_revision(1);
    Write([&](log::BatchBuilder& batch) {
      batch.PutPayload(import.record.source(), import.content);
      batch.PutConversation(import.record);
    });
    import.reply(shard::ImportedConversation{import.record, true});
  }

  api::Conversation ImportFile(const std::string& name) {
    auto answer = std::async(std::launch::async, [&] {
      api::ImportConversationRequest request;
      request.mutable_source()->set_data(ReadTranscript(name));
      api::ImportConversationResponse response;
      grpc::Status status = Import(request, response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      return response.conversation();
    });
    StoreNext();
    return answer.get();
  }

  std::string ReasonForData(const std::string& data) {
    api::ImportConversationRequest request;
    request.mutable_source()->set_data(data);
    api::ImportConversationResponse response;
    return Reason(Import(request, response));
  }

  grpc::Status Get(const std::string& id, const std::string& leaf,
                   api::GetConversationResponse& response) {
    grpc::ClientContext context;
    api::GetConversationRequest request;
    request.set_conversation_id(id);
    request.set_leaf(leaf);
    return conversations_->GetConversation(&context, request, &response);
  }
};

TEST_F(ConversationServiceTest, ImportsAndShowsSteps) {
  api::Conversation imported = ImportFile("in_place_branch.jsonl");
  EXPECT_EQ(imported.step_count(), 6);
  EXPECT_EQ(imported.leaves_size(), 2);
  EXPECT_FALSE(imported.title().empty());
  api::GetConversationResponse response;
  ASSERT_TRUE(Get(imported.conversation_id(), "", response).ok());
  ASSERT_EQ(response.steps_size(), 6);
  EXPECT_EQ(response.steps(0).kind(), api::STEP_KIND_PROMPT);
  EXPECT_TRUE(response.steps(0).forkable());
  const api::Step& call = response.steps(1);
  EXPECT_EQ(call.kind(), api::STEP_KIND_ASSISTANT);
  EXPECT_THAT(call.tools(), ::testing::ElementsAre("Bash"));
  EXPECT_FALSE(call.forkable());
  EXPECT_FALSE(call.reason().empty());
  EXPECT_THAT(call.nearest(), ::testing::ElementsAre(1, 3));
  EXPECT_EQ(response.steps(2).kind(), api::STEP_KIND_TOOL_RESULTS);
  EXPECT_TRUE(response.steps(3).needs_message());

  api::GetConversationResponse other;
  ASSERT_TRUE(Get(imported.conversation_id(), imported.leaves(1), other).ok());
  EXPECT_NE(other.steps(4).preview(), response.steps(4).preview());
  EXPECT_EQ(other.steps(3).preview(), response.steps(3).preview());

  grpc::ClientContext context;
  api::ListForkPointsRequest request;
  request.set_conversation_id(imported.conversation_id());
  api::ListForkPointsResponse points;
  ASSERT_TRUE(conversations_->ListForkPoints(&context, request, &points).ok());
  EXPECT_EQ(points.steps_size(), 6);
}

TEST_F(ConversationServiceTest, ASubagentHasAnIdOfItsOwn) {
  api::Conversation imported = ImportFile(kSubagent);
  EXPECT_EQ(imported.conversation_id(),
            "33333333-3333-4333-8333-333333333333.agent-a8a7510889e5954cd");
  EXPECT_EQ(imported.step_count(), 2);
}

TEST_F(ConversationServiceTest, RefusesBadTranscripts) {
  api::ImportConversationRequest request;
  api::ImportConversationResponse response;
  EXPECT_EQ(Reason(Import(request, response)), "INVALID_FIELD");
  EXPECT_EQ(ReasonForData(""), "INVALID_FIELD");
  EXPECT_EQ(ReasonForData("no transcript\n"), "INVALID_TRANSCRIPT");
  EXPECT_EQ(ReasonForData("{}\n"), "INVALID_TRANSCRIPT");
  EXPECT_EQ(ReasonForData("{\"a\":\"\xff\"}\n"), "INVALID_UTF8");
  EXPECT_EQ(ReasonForData(std::string((32 << 20) + 1, ' ')),
            "PAYLOAD_TOO_LARGE");
}

TEST_F(ConversationServiceTest, ValidatesOnly) {
  api::ImportConversationRequest request;
  request.mutable_source()->set_text(ReadTranscript("older_cli.jsonl"));
  request.set_validate_only(true);
  request.set_conversation_id("mine");
  api::ImportConversationResponse response;
  ASSERT_TRUE(Import(request, response).ok());
  EXPECT_TRUE(response.created());
  EXPECT_EQ(response.conversation().conversation_id(), "mine");
  EXPECT_EQ(response.conversation().step_count(), 4);
}

TEST_F(ConversationServiceTest, UnknownOnesAreNotFound) {
  api::GetConversationResponse response;
  EXPECT_EQ(Reason(Get("nope", "", response)), "CONVERSATION_NOT_FOUND");
  api::Conversation imported = ImportFile("older_cli.jsonl");
  grpc::Status status = Get(imported.conversation_id(), "no-leaf", response);
  EXPECT_EQ(Reason(status), "LEAF_NOT_FOUND");
}

TEST_F(ConversationServiceTest, ListsInPages) {
  for (const char* name :
       {"older_cli.jsonl", "with_refusal.jsonl", "with_api_errors.jsonl"}) {
    ImportFile(name);
  }
  api::ListConversationsRequest request;
  request.set_page_size(2);
  int pages = 0;
  int count = 0;
  do {
    grpc::ClientContext context;
    api::ListConversationsResponse response;
    ASSERT_TRUE(
        conversations_->ListConversations(&context, request, &response).ok());
    count += response.conversations_size();
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(count, 3);
  EXPECT_EQ(pages, 2);
}

}  // namespace
}  // namespace anabranch::rpc
