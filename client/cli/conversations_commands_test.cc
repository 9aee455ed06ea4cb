#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "client/testing/cli_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConversationsTest : public testing::CliTest {
 protected:
  ConversationsTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = fs::path(std::getenv("TEST_TMPDIR")) / info->name();
    variables["CLAUDE_CONFIG_DIR"] = root_.string();
  }

  // A transcript of `session` whose file was written `age` hours ago.
  fs::path Write(const std::string& session, const std::string& content,
                 int age) {
    const fs::path folder = root_ / "projects" / "-home-me";
    fs::create_directories(folder);
    const fs::path path = folder / (session + ".jsonl");
    std::ofstream(path) << content;
    fs::last_write_time(
        path, fs::file_time_type::clock::now() - std::chrono::hours(age));
    return path;
  }

  fs::path root_;
};

constexpr char kTranscript[] =
    R"({"type":"mode","mode":"x"})"
    "\n"
    R"({"type":"user","isMeta":true,"cwd":"/home/me","message":{"content":)"
    R"("meta"}})"
    "\n"
    R"({"type":"user","cwd":"/home/me","message":{"content":[{"type":"text",)"
    R"("text":"first\nprompt"}]}})"
    "\n"
    R"({"type":"user","cwd":"/home/me","message":{"content":"second"}})"
    "\n"
    "{torn";

TEST_F(ConversationsTest, ListsLocalTranscripts) {
  Write("old", "{}\n", 5);
  Write("new", kTranscript, 1);
  EXPECT_EQ(Run({"conversations", "list", "--local"}), 0);
  EXPECT_THAT(out, HasSubstr("SESSION  MODIFIED"));
  EXPECT_THAT(out, HasSubstr("/home/me  first prompt\nold "));
  EXPECT_EQ(Run({"conversations", "list", "--local", "--limit", "1"}), 0);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
  EXPECT_EQ(Run({"conversations", "list", "--local", "--json"}), 0);
  EXPECT_THAT(out, HasSubstr("{\"sessionId\":\"new\",\"path\":\""));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
}

TEST_F(ConversationsTest, FindsLocalTranscriptsUnderHome) {
  variables.erase("CLAUDE_CONFIG_DIR");
  variables["HOME"] = (root_ / "home").string();
  fs::create_directories(root_ / "home/.claude/projects/p");
  std::ofstream(root_ / "home/.claude/projects/p/s.jsonl") << kTranscript;
  EXPECT_EQ(Run({"conversations", "list", "--local"}), 0);
  EXPECT_THAT(out, HasSubstr("\ns  "));
  variables.erase("HOME");
  EXPECT_EQ(Run({"conversations", "list", "--local"}), 2);
}

TEST_F(ConversationsTest, NoLocalFolderIsAnEmptyList) {
  EXPECT_EQ(Run({"conversations", "list", "--local"}), 0);
  EXPECT_THAT(err, IsEmpty());
}

TEST_F(ConversationsTest, ImportsByPathIdAndLatest) {
  const fs::path old = Write("old", "one", 5);
  Write("new", "two", 1);
  EXPECT_EQ(Run({"conversations", "import", old.string(), "--id", "mine"}), 0);
  EXPECT_EQ(out, "mine: revision 1, 6 steps (imported)\n");
  EXPECT_EQ(Run({"conversations", "import", "old"}), 0);
  EXPECT_EQ(Run({"conversations", "import", "--latest"}), 0);
  EXPECT_THAT(err, HasSubstr("new.jsonl"));
  input = "three";
  EXPECT_EQ(Run({"conversations", "import", "-", "--validate-only"}), 0);
  EXPECT_THAT(out, HasSubstr("valid, not imported"));
  ASSERT_EQ(canned.imports.size(), 4u);
  EXPECT_EQ(canned.imports[0].source().data(), "one");
  EXPECT_EQ(canned.imports[0].conversation_id(), "mine");
  EXPECT_EQ(canned.imports[1].source().data(), "one");
  EXPECT_EQ(canned.imports[2].source().data(), "two");
  EXPECT_EQ(canned.imports[3].source().data(), "three");
  EXPECT_TRUE(canned.imports[3].validate_only());
}

TEST_F(ConversationsTest, ImportSaysWhatItCannotFind) {
  EXPECT_EQ(Run({"conversations", "import", "nope"}), 2);
  EXPECT_THAT(err, HasSubstr("neither a file nor a session under"));
  EXPECT_EQ(Run({"conversations", "import", "./nope.jsonl"}), 2);
  EXPECT_THAT(err, HasSubstr("cannot be read"));
  EXPECT_EQ(Run({"conversations", "import"}), 2);
  EXPECT_EQ(Run({"conversations", "import", "--latest"}), 2);
  const fs::path empty = Write("empty", "", 1);
  EXPECT_EQ(Run({"conversations", "import", empty.string()}), 2);
  EXPECT_THAT(err, HasSubstr("is empty"));
  EXPECT_TRUE(canned.imports.empty());
}

TEST_F(ConversationsTest, ImportTellsOfAnotherContent) {
  const fs::path path = Write("a", "x", 1);
  canned.errors["ImportConversation"] = {testing::ErrorWith(
      grpc::StatusCode::ALREADY_EXISTS, "Other content has that id.",
      {.reason = "CONVERSATION_ALREADY_EXISTS"})};
  EXPECT_EQ(Run({"conversations", "import", path.string()}), 2);
  EXPECT_THAT(err, HasSubstr("--id"));
}

TEST_F(ConversationsTest, ShowsStepsAndForkPoints) {
  v1::GetConversationResponse& response = canned.conversations["c"];
  response.mutable_conversation()->set_conversation_id("c");
  response.mutable_conversation()->set_revision(2);
  response.mutable_conversation()->add_leaves("leaf-1");
  response.mutable_conversation()->add_leaves("leaf-2");
  v1::Step& prompt = *response.add_steps();
  prompt.set_number(1);
  prompt.set_kind(v1::STEP_KIND_PROMPT);
  prompt.set_preview("run echo");
  prompt.set_forkable(true);
  v1::Step& call = *response.add_steps();
  call.set_number(2);
  call.set_kind(v1::STEP_KIND_ASSISTANT);
  call.set_model("opus");
  call.add_tools("Bash");
  call.set_reason("it leaves tool calls open");
  call.add_nearest(1);
  call.add_nearest(3);
  v1::Step& answer = *response.add_steps();
  answer.set_number(4);
  answer.set_kind(v1::STEP_KIND_ASSISTANT);
  answer.set_forkable(true);
  answer.set_needs_message(true);
  EXPECT_EQ(Run({"conversations", "show", "c"}), 0);
  EXPECT_THAT(out, HasSubstr("  leaf-2\n"));
  EXPECT_THAT(out, HasSubstr("\n1     PROMPT     yes  "));
  EXPECT_THAT(out, HasSubstr("\n2     ASSISTANT  no; nearest 1, 3  opus   "
                             "[Bash]\n"));
  EXPECT_THAT(out, HasSubstr("\n4     ASSISTANT  with a message"));
  EXPECT_THAT(out, HasSubstr("\n\nNo fork at step 2: it leaves tool calls "
                             "open\n"));
  EXPECT_EQ(Run({"conversations", "show", "c", "--json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"needsMessage\":true"));
  EXPECT_EQ(Run({"conversations", "list"}), 0);
  EXPECT_THAT(out, HasSubstr("\nc             2    0"));
  EXPECT_EQ(Run({"conversations", "show", "nope"}), 2);
  EXPECT_THAT(err, HasSubstr("'anabranch conversations list'"));
}

}  // namespace
}  // namespace anabranch::cli
