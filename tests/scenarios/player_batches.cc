// Operations on many runs.
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "orchestrator/filter/filter.h"
#include "tests/program/words.h"
#include "tests/scenarios/player.h"

namespace anabranch::scenarios {
namespace {

using storage::v1::BatchRecord;

std::string Option(const Command& command, const std::string& name) {
  auto option = command.words.options.find(name);
  return option == command.words.options.end()
             ? std::string()
             : program::Unquoted(option->second);
}

absl::StatusOr<shard::BatchAction> ActionOf(const std::string& word) {
  static const std::map<std::string, shard::BatchAction, std::less<>> actions =
      {
          {"cancel", shard::BatchAction::kCancel},
          {"delete", shard::BatchAction::kDelete},
          {"pause", shard::BatchAction::kPause},
          {"resume", shard::BatchAction::kResume},
          {"retry", shard::BatchAction::kRetry},
          {"signal", shard::BatchAction::kSignal},
          {"terminate", shard::BatchAction::kTerminate},
      };
  auto action = actions.find(word);
  if (action != actions.end()) return action->second;
  return absl::InvalidArgumentError(absl::StrCat("no action ", word));
}

}  // namespace

template <typename Request>
void Player::AskOfBatch(Request request) {
  absl::StatusOr<BatchRecord> answer;
  ++awaited_;
  request.reply = [this, &answer](absl::StatusOr<BatchRecord> result) {
    answer = std::move(result);
    --awaited_;
  };
  RoundAndAnswer(std::move(request),
                 [this, &answer] { PrintError(answer.status()); });
}

absl::Status Player::Batch(const Command& command) {
  const auto& words = command.words.plain;
  if (words.size() < 2) return absl::InvalidArgumentError("needs an id");
  const std::string id = program::Unquoted(words[1]);
  if (words.size() == 2) return ShowBatch(id);
  if (words[2] == "stop") return StopBatch(id);
  shard::StartBatch input;
  ASSIGN_OR_RETURN(const shard::BatchAction action, ActionOf(words[2]));
  input.record.set_namespace_("default");
  input.record.set_batch_id(id);
  input.record.set_action(static_cast<int32_t>(action));
  input.record.set_filter(Option(command, "filter"));
  // The door's check: the shard relies on it.
  RETURN_IF_ERROR(filter::ParseFilter(input.record.filter()).status());
  input.record.set_reason("as asked");
  if (action == shard::BatchAction::kSignal) {
    const std::string json = Option(command, "input");
    input.record.set_signal(Option(command, "signal"));
    input.record.mutable_input()->set_json_text(json.empty() ? "null" : json);
  }
  AskOfBatch(std::move(input));
  return absl::OkStatus();
}

absl::Status Player::StopBatch(const std::string& id) {
  shard::CancelBatch input;
  input.ns = "default";
  input.batch_id = id;
  AskOfBatch(std::move(input));
  return absl::OkStatus();
}

absl::Status Player::ShowBatch(const std::string& id) {
  ASSIGN_OR_RETURN(auto record, harness_.store.ReadBatch("default", id));
  if (!record.has_value()) {
    Print("no such batch");
    return absl::OkStatus();
  }
  std::string state = "running";
  if (record->has_close_time()) {
    state = record->cancelled() ? "stopped" : "done";
  }
  Print(absl::StrCat(state, " looked_at=", record->looked_at(), " succeeded=",
                     record->succeeded(), " failed=", record->failed()));
  for (const std::string& failure : record->failures()) Print(failure);
  return absl::OkStatus();
}

}  // namespace anabranch::scenarios
