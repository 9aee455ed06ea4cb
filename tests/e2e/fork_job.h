// The job of the demo and of the crash loop: import a transcript, fork and
// compare it, read what came of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/lib/client.h"

namespace anabranch::e2e {

inline constexpr char kTurnType[] = "claude.messages";
// A real session, its prompts scrubbed.
inline constexpr char kTranscript[] =
    "tests/data/transcripts/in_place_branch.jsonl";

// The conversation's id.
absl::StatusOr<std::string> ImportTranscript(client::Client& client,
                                             const std::string& path);

// The run's id. `input`: JSON text.
absl::StatusOr<std::string> StartFlow(client::Client& client,
                                      const std::string& flow,
                                      const std::string& input);

// All events, page by page.
absl::StatusOr<std::vector<v1::HistoryEvent>> ReadHistory(
    client::Client& client, const std::string& run_id);

// Of each activity of the type, by number, how often its result is recorded.
std::map<int64_t, int> RecordedCalls(
    const std::vector<v1::HistoryEvent>& history, const std::string& type);

// The result of a run that must have completed, as JSON text.
absl::StatusOr<std::string> ResultOf(client::Client& client,
                                     const v1::Run& run);

// JSON text without what differs between runs of the same job, durations and
// the API's request ids, its members in order: equal for equal results.
std::string WithoutAccidents(const std::string& result);

}  // namespace anabranch::e2e
