// What a shard refuses, as named functions: what happened, to which id, what
// to do. not_found.h has what is not there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "anabranch/v1/run.pb.h"
#include "orchestrator/log/store.h"
#include "orchestrator/shard/not_found.h"  // IWYU pragma: export

namespace anabranch::shard {

absl::Status RunAlreadyExists(const log::RunName& name);
absl::Status RunClosed(const log::RunName& name, const std::string& state);
// A start that would use the existing run, which is closed.
absl::Status ExistingRunClosed(const log::RunName& name,
                               const anabranch::v1::Run& run);
// A run that ended as it should.
absl::Status RunNotRetryable(const log::RunName& name,
                             const anabranch::v1::Run& run);
absl::Status RunStillOpen(const log::RunName& name,
                          const anabranch::v1::Run& run);
absl::Status RunBeingDeleted(const log::RunName& name);
// Content that a request refers to was deleted.
absl::Status PayloadGone(const std::string& sha256);
// Names that the flow answers (its own words, may be empty) and that it has
// published.
absl::Status QueryNotFound(const log::RunName& name, const std::string& query,
                           const std::string& answers,
                           const std::vector<std::string>& published);
absl::Status QueryFailed(const log::RunName& name, const std::string& query,
                         const absl::Status& status);
// Queries took the server down: they are not asked of the flow any more.
absl::Status QueriesAreDeadly(const log::RunName& name,
                              const storage::v1::FlowCrashRecord& record);
absl::Status QueryAnswerTooLarge(const log::RunName& name,
                                 const std::string& query, int64_t bytes,
                                 int64_t bytes_max);
// BLOCKED before its first event.
absl::Status RunNotBegun(const log::RunName& name);
absl::Status SignalsFull(const log::RunName& name);
absl::Status ChildRunExists(const log::RunName& name);
absl::Status RequestIdReused(const std::string& request_id);
absl::Status MailboxFull(const log::RunName& name);
absl::Status BatchAlreadyExists(const std::string& batch_id);
absl::Status BatchesFull(int batches_max);
absl::Status ConversationExists(const std::string& id);
absl::Status InboxFull();
absl::Status ShuttingDown();
absl::Status DiskFull();
absl::Status TooManyTaskQueues(const std::string& name);

}  // namespace anabranch::shard
