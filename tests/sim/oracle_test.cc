#include "tests/sim/oracle.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {
namespace {

using anabranch::v1::HistoryEvent;
using anabranch::v1::Payload;
using storage::v1::ActivationRecord;

Node CallNode(int64_t id) {
  Node node;
  node.id = id;
  node.what = "ok";
  return node;
}

Node Branches(Node::Kind kind, std::vector<NodeBlock> blocks) {
  Node node;
  node.kind = kind;
  node.blocks = std::move(blocks);
  return node;
}

// What the flow is said to have done.
class History {
 public:
  History& Stimulus() {
    activation_.clear_events();
    activation_.add_events();
    return *this;
  }
  History& Started() {
    Stimulus();
    activation_.mutable_events(0)->mutable_run_started();
    return *this;
  }
  History& Completed(int64_t seq, const std::string& json) {
    Stimulus();
    auto* completed =
        activation_.mutable_events(0)->mutable_activity_completed();
    completed->set_seq(seq);
    completed->mutable_result()->set_json_text(json);
    return *this;
  }
  History& Schedules(int64_t seq, int64_t id) {
    auto* scheduled = activation_.add_events()->mutable_activity_scheduled();
    scheduled->set_seq(seq);
    scheduled->mutable_input()->set_json_text(
        absl::StrCat("{\"id\":", id, "}"));
    return *this;
  }
  History& StartsChild(int64_t seq, int64_t id) {
    auto* scheduled = activation_.add_events()->mutable_child_scheduled();
    scheduled->set_seq(seq);
    scheduled->mutable_input()->set_text(
        absl::StrCat("call work {\"id\":", id, "}\n"));
    return *this;
  }
  History& ChildClosed(int64_t seq, const std::string& json) {
    Stimulus();
    auto* closed = activation_.mutable_events(0)->mutable_child_closed();
    closed->set_seq(seq);
    closed->set_state(anabranch::v1::RUN_STATE_COMPLETED);
    closed->mutable_result()->set_json_text(json);
    return *this;
  }
  History& Continues() {
    activation_.add_events()->mutable_run_continued_as_new();
    return *this;
  }
  History& Refuses(const std::string& command) {
    activation_.add_events()->mutable_command_refused()->set_command(command);
    return *this;
  }
  History& Fails(const std::string& type) {
    activation_.add_events()->mutable_run_failed()->mutable_failure()->set_type(
        type);
    return *this;
  }
  History& Completes(const std::string& json) {
    activation_.add_events()
        ->mutable_run_completed()
        ->mutable_result()
        ->set_json_text(json);
    return *this;
  }
  const ActivationRecord& Take() const { return activation_; }

 private:
  ActivationRecord activation_;
};

std::string JsonOf(const Payload& payload) {
  return payload.has_text() ? payload.text() : payload.json_text();
}

TEST(Oracle, FollowsBranchesInTheOrderOfTheirResults) {
  const NodeBlock program = {
      Branches(Node::Kind::kAll, {{CallNode(1), CallNode(2)}, {CallNode(3)}})};
  Oracle oracle(program, JsonOf);
  History history;
  EXPECT_EQ(
      oracle.Take(history.Started().Schedules(1, 1).Schedules(2, 3).Take()),
      "");
  EXPECT_EQ(oracle.Take(history.Completed(2, "30").Take()), "");
  EXPECT_EQ(oracle.Take(history.Completed(1, "10").Schedules(3, 2).Take()), "");
  EXPECT_EQ(
      oracle.Take(
          history.Completed(3, "20").Completes("[[[10,20],[30]]]").Take()),
      "");
}

TEST(Oracle, TellsWhatIsMissing) {
  const NodeBlock program = {CallNode(1), CallNode(2)};
  Oracle oracle(program, JsonOf);
  History history;
  EXPECT_EQ(oracle.Take(history.Started().Schedules(1, 1).Take()), "");
  EXPECT_NE(oracle.Take(history.Completed(1, "10").Take()), "");
}

TEST(Oracle, TellsAWrongResult) {
  const NodeBlock program = {
      Branches(Node::Kind::kAny, {{CallNode(1)}, {CallNode(2)}})};
  Oracle oracle(program, JsonOf);
  History history;
  EXPECT_EQ(
      oracle.Take(history.Started().Schedules(1, 1).Schedules(2, 2).Take()),
      "");
  // The second branch was first.
  EXPECT_NE(
      oracle.Take(history.Completed(2, "20").Completes("[[0,[20]]]").Take()),
      "");
}

TEST(Oracle, AChildsResultIsAValue) {
  const NodeBlock program = {Branches(Node::Kind::kChild, {{CallNode(7)}})};
  Oracle oracle(program, JsonOf);
  History history;
  EXPECT_EQ(oracle.Take(history.Started().StartsChild(1, 7).Take()), "");
  EXPECT_EQ(
      oracle.Take(history.ChildClosed(1, "[5]").Completes("[[5]]").Take()), "");
}

TEST(Oracle, ContinuingIsRefusedWhileACallIsOpen) {
  const NodeBlock rest = {Branches(Node::Kind::kContinue, {{CallNode(9)}})};
  NodeBlock program = {
      Branches(Node::Kind::kAny, {{CallNode(1)}, {CallNode(2)}})};
  program.insert(program.end(), rest.begin(), rest.end());
  Oracle oracle(program, JsonOf);
  History history;
  EXPECT_EQ(
      oracle.Take(history.Started().Schedules(1, 1).Schedules(2, 2).Take()),
      "");
  EXPECT_EQ(oracle.Take(history.Completed(2, "{}")
                            .Refuses("CONTINUE_AS_NEW")
                            .Fails("command_refused")
                            .Take()),
            "");

  Oracle other(rest, JsonOf);
  EXPECT_EQ(other.Take(history.Started().Continues().Take()), "");
  EXPECT_EQ(GenerationOf(rest, 2), &rest[0].blocks[0]);
  EXPECT_EQ(GenerationOf(rest, 3), nullptr);
}

}  // namespace
}  // namespace anabranch::sim
