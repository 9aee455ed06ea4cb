#include "orchestrator/shard/errors.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error_details.h"
#include "base/limits.h"

namespace anabranch::shard {

using absl::StatusCode;
using log::RunName;

absl::Status RunAlreadyExists(const RunName& name) {
  return MakeError(
      StatusCode::kAlreadyExists, "RUN_ALREADY_EXISTS",
      absl::StrCat("run ", name.run_id,
                   " exists with another flow or input; choose another run_id"),
      {{"run_id", name.run_id}, {"namespace", name.ns}});
}

absl::Status RunClosed(const RunName& name, const std::string& state) {
  return WithPrecondition(
      MakeError(StatusCode::kFailedPrecondition, "RUN_CLOSED",
                absl::StrCat("run ", name.run_id, " is closed (", state,
                             "): it takes nothing in any more"),
                {{"run_id", name.run_id}, {"state", state}}),
      "RUN_OPEN", name.run_id, "the run must be open");
}

absl::Status ExistingRunClosed(const RunName& name,
                               const anabranch::v1::Run& run) {
  const std::string& state = anabranch::v1::RunState_Name(run.state());
  return MakeError(
      StatusCode::kAlreadyExists, "RUN_ALREADY_EXISTS",
      absl::StrCat("run ", name.run_id, " exists and is closed (", state,
                   "): only an open run can be used; choose another run_id, "
                   "or delete or retry that run"),
      {{"run_id", name.run_id}, {"namespace", name.ns}, {"state", state}});
}

absl::Status RunNotRetryable(const RunName& name,
                             const anabranch::v1::Run& run) {
  const std::string& state = anabranch::v1::RunState_Name(run.state());
  return WithPrecondition(
      MakeError(
          StatusCode::kFailedPrecondition, "RUN_NOT_RETRYABLE",
          absl::StrCat("run ", name.run_id, " ended as it should (", state,
                       "): only a run that failed, timed out or was "
                       "terminated can be retried; start a new one"),
          {{"run_id", name.run_id}, {"state", state}}),
      "RUN_FAILED", name.run_id,
      "the run must be open, FAILED, TIMED_OUT or TERMINATED");
}

absl::Status RunStillOpen(const RunName& name, const anabranch::v1::Run& run) {
  const std::string& state = anabranch::v1::RunState_Name(run.state());
  return WithPrecondition(
      MakeError(StatusCode::kFailedPrecondition, "RUN_OPEN",
                absl::StrCat("run ", name.run_id, " is open (", state,
                             "): cancel or terminate it first, or delete it "
                             "with force"),
                {{"run_id", name.run_id}, {"state", state}}),
      "RUN_CLOSED", name.run_id, "the run must be closed");
}

absl::Status RunBeingDeleted(const RunName& name) {
  return WithRetryDelay(
      MakeError(StatusCode::kUnavailable, "RUN_BEING_DELETED",
                absl::StrCat("the last run of the name ", name.run_id,
                             " is being deleted; try again when it is gone"),
                {{"run_id", name.run_id}, {"namespace", name.ns}}),
      absl::Seconds(1));
}

absl::Status PayloadGone(const std::string& sha256) {
  return MakeError(
      StatusCode::kNotFound, "PAYLOAD_NOT_FOUND",
      absl::StrCat("there is no content ", sha256, "; send it again as it is"),
      {{"sha256", sha256}});
}

absl::Status QueryNotFound(const RunName& name, const std::string& query,
                           const std::string& answers,
                           const std::vector<std::string>& published) {
  return MakeError(
      StatusCode::kNotFound, "QUERY_NOT_FOUND",
      absl::StrCat(
          "run ", name.run_id, " has no answer to ", query,
          answers.empty() ? "" : ": ", answers, "; it has published ",
          published.empty() ? "nothing" : absl::StrJoin(published, ", ")),
      {{"run_id", name.run_id}, {"query", query}});
}

absl::Status QueryFailed(const RunName& name, const std::string& query,
                         const absl::Status& status) {
  return MakeError(status.code() == StatusCode::kUnknown
                       ? StatusCode::kFailedPrecondition
                       : status.code(),
                   "QUERY_FAILED",
                   absl::StrCat("run ", name.run_id, " could not answer ",
                                query, ": ", status.message()),
                   {{"run_id", name.run_id}, {"query", query}});
}

absl::Status QueriesAreDeadly(const RunName& name,
                              const storage::v1::FlowCrashRecord& record) {
  return WithPrecondition(
      MakeError(
          StatusCode::kFailedPrecondition, "QUERY_CRASHED",
          absl::StrCat("a query of run ", name.run_id, " took the server down ",
                       record.deaths(), " times (build ", record.build_id(),
                       "): it is not asked any more; what the flow has "
                       "published can be read, and a build in which that "
                       "is mended answers again"),
          {{"run_id", name.run_id}, {"build_id", record.build_id()}}),
      "FLOW_BUILD", name.run_id, "queries must come back");
}

absl::Status QueryAnswerTooLarge(const RunName& name, const std::string& query,
                                 int64_t bytes, int64_t bytes_max) {
  return MakeError(
      StatusCode::kResourceExhausted, "QUERY_ANSWER_TOO_LARGE",
      absl::StrCat("run ", name.run_id, " answers ", query, " with ", bytes,
                   " bytes, of which ", bytes_max,
                   " fit into an answer: have its flow publish the value, or "
                   "answer in parts"),
      {{"run_id", name.run_id}, {"query", query}});
}

absl::Status RunNotBegun(const RunName& name) {
  return WithPrecondition(
      MakeError(StatusCode::kFailedPrecondition, "RUN_NOT_BEGUN",
                absl::StrCat("run ", name.run_id,
                             " was BLOCKED before its first event: there is "
                             "nothing to hold back; run a good build of its "
                             "flow, or terminate it"),
                {{"run_id", name.run_id}}),
      "RUN_BEGUN", name.run_id, "the run must have its first event");
}

absl::Status SignalsFull(const RunName& name) {
  return WithRetryDelay(
      MakeError(
          StatusCode::kResourceExhausted, "SIGNALS_FULL",
          absl::StrCat("run ", name.run_id, " has ", limits::kUnreadSignalsMax,
                       " signals that it has not read, which is as many "
                       "as it may have; send more when it has read some"),
          {{"run_id", name.run_id}}),
      absl::Seconds(30));
}

absl::Status ChildRunExists(const RunName& name) {
  return MakeError(
      StatusCode::kAlreadyExists, "RUN_ALREADY_EXISTS",
      absl::StrCat("run ", name.run_id,
                   " exists and is no child of this run; give the child "
                   "another run_id"),
      {{"run_id", name.run_id}, {"namespace", name.ns}});
}

absl::Status RequestIdReused(const std::string& request_id) {
  return MakeError(
      StatusCode::kInvalidArgument, "REQUEST_ID_REUSED",
      absl::StrCat("request_id ", request_id,
                   " was used with another request; make a new one"),
      {{"request_id", request_id}});
}

absl::Status MailboxFull(const RunName& name) {
  return WithRetryDelay(
      MakeError(StatusCode::kResourceExhausted, "MAILBOX_FULL",
                absl::StrCat("run ", name.run_id, " is blocked and ",
                             limits::kMailboxMax,
                             " messages wait for it already; run a good build "
                             "of its flow, or terminate it"),
                {{"run_id", name.run_id}}),
      absl::Seconds(30));
}

absl::Status BatchAlreadyExists(const std::string& batch_id) {
  return MakeError(StatusCode::kAlreadyExists, "BATCH_ALREADY_EXISTS",
                   absl::StrCat("batch ", batch_id,
                                " exists with another request; choose another "
                                "batch_id"),
                   {{"batch_id", batch_id}});
}

absl::Status BatchesFull(int batches_max) {
  return WithRetryDelay(
      MakeError(StatusCode::kResourceExhausted, "BATCHES_FULL",
                absl::StrCat(batches_max,
                             " batches are at work already; wait for one, or "
                             "cancel one")),
      absl::Seconds(5));
}

absl::Status ConversationExists(const std::string& id) {
  return MakeError(
      StatusCode::kAlreadyExists, "CONVERSATION_ALREADY_EXISTS",
      absl::StrCat("conversation ", id,
                   " exists with other content; import this one under another "
                   "id (--id)"),
      {{"conversation_id", id}});
}

absl::Status InboxFull() {
  return WithRetryDelay(
      MakeError(
          StatusCode::kResourceExhausted, "SERVER_BUSY",
          absl::StrCat(limits::kInboxMax, " requests wait already; try again")),
      absl::Seconds(1));
}

absl::Status ShuttingDown() {
  return WithRetryDelay(
      MakeError(StatusCode::kUnavailable, "DRAINING",
                "the server is going down; try again when it is back"),
      absl::Seconds(1));
}

absl::Status TooManyTaskQueues(const std::string& name) {
  return MakeError(
      absl::StatusCode::kResourceExhausted, "TOO_MANY_TASK_QUEUES",
      absl::StrCat(
          "task queue \"", name, "\" would be one more than ",
          limits::kTaskQueuesMax,
          " queues with limits; take the limits off another one first"),
      {{"task_queue", name}});
}

absl::Status DiskFull() {
  return WithRetryDelay(
      MakeError(
          StatusCode::kUnavailable, "DISK_FULL",
          absl::StrCat("less than ", limits::kSpaceReserveBytes / (1024 * 1024),
                       " MiB are free where the data folder lies; make "
                       "room")),
      absl::Seconds(30));
}

}  // namespace anabranch::shard
