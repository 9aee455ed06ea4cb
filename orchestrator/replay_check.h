// Saved histories replayed against the flows of this build: what a flow author
// does in CI before a new build meets open runs.
//
// A saved history is what `anabranch runs history RUN --json` prints: pages
// (GetHistoryResponse) as protobuf JSON, one after the other. A text may hold
// several runs and generations; event 1 begins the next one. Generations of one
// run that follow one another are numbered in that order.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "anabranch/storage/v1/records.pb.h"
#include "sdk/flow_context.h"
#include "sdk/flow_registry.h"

namespace anabranch::orchestrator {

struct SavedHistory {
  // "default/r-1".
  std::string run;
  int generation = 1;
  std::string flow;
  // Where it begins.
  std::string file;
  int line = 0;
  int64_t events = 0;
  std::vector<storage::v1::ActivationRecord> activations;
};

// All histories in `text`; `file` names it in errors. kInvalidArgument says
// "FILE:LINE: what is wrong".
absl::StatusOr<std::vector<SavedHistory>> ReadHistories(const std::string& file,
                                                        std::string_view text);

enum class ReplayVerdict {
  kOk,
  // The flow asks for something else than was recorded, breaks down, or is
  // none of this build's.
  kMismatch,
  // Content that the flow reads is not at hand: nothing is known.
  kIncomplete,
};

// "OK", "MISMATCH", "INCOMPLETE".
const char* VerdictName(ReplayVerdict verdict);

struct ReplayCheck {
  ReplayVerdict verdict = ReplayVerdict::kOk;
  // For people; empty when OK.
  std::string report;
};

// Content by SHA-256; what is not there makes a check incomplete.
using StoredContent = std::map<std::string, std::string, std::less<>>;

ReplayCheck CheckHistory(const sdk::FlowRegistry& flows,
                         const SavedHistory& history,
                         const StoredContent& content);

}  // namespace anabranch::orchestrator
