// What a branch has said and heard: makes the next turn's input, takes in its
// reply, and becomes the branch's result.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anabranch/v1/payload.pb.h"
#include "flows/fork_compare_input.h"

namespace anabranch::flows {

// Tokens summed over turns; what the API did not say counts as 0.
struct UsageSum {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t cache_read_input_tokens = 0;
  int64_t cache_creation_input_tokens = 0;

  // `usage`: the API's object, or anything else for none.
  void Add(std::string_view usage);
};

// A value of its branch's coroutine.
class BranchRecord {
 public:
  // `default_model`: a JSON string token for a branch that names no model; may
  // be empty.
  BranchRecord(BranchSpec spec, std::string_view default_model);

  // False once the branch has come to an end, well or not.
  bool open() const { return open_; }
  // Number of the turn to come, from 1.
  int64_t next_turn() const { return turns_ + 1; }

  // Takes the next message that is to be sent, if any, into the conversation
  // and gives the input of claude.messages: what follows the checkpoint, every
  // content as it was recorded. Only while open.
  std::string NextTurnInput();

  // The reply to it, a result of claude.messages. InvalidArgument when it is
  // none.
  absl::Status TakeReply(std::string_view reply);

  // The turn failed: so has the branch.
  void Fail(const anabranch::v1::Failure& failure);
  // The branch's time is up.
  void TimeOut();

  // A branch result as in claude/compare.h.
  std::string ResultJson(absl::Duration duration) const;

 private:
  void EndAfter(std::string_view stop_reason);
  size_t unsent() const { return spec_.messages_json.size() - sent_; }
  std::string Note() const;

  BranchSpec spec_;
  std::string model_json_;
  // JSON texts of messages after the checkpoint.
  std::vector<std::string> messages_;
  std::vector<std::string> texts_json_;  // of each reply
  UsageSum usage_;
  size_t sent_ = 0;      // messages of the spec
  int64_t turns_ = 0;    // replies
  bool paused_ = false;  // the last reply is to be continued
  bool open_ = true;
  std::string state_ = "COMPLETED";
  std::string stop_reason_json_ = "null";  // of the last reply
  std::string failure_json_;
};

}  // namespace anabranch::flows
