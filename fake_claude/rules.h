// Script entries and faults: which call they are for, and what happens to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fake_claude/api_error.h"
#include "fake_claude/text.h"

namespace anabranch::fake_claude {

enum class FaultKind {
  kStatus,      // an error reply instead of an answer
  kErrorEvent,  // an `error` event in the stream, then its end
  kCut,         // the connection closed in the middle of the body
  kReset,       // the same by a TCP reset
  kEof,         // a clean end of the body without message_stop
  kStall,       // silence in the middle of the stream
  kHang,        // silence before the reply's headers
};

// Where in a stream a fault strikes.
inline constexpr int kBeforeMessageStop = -1;

struct Fault {
  FaultKind kind = FaultKind::kStatus;
  ApiError error;           // kStatus, kErrorEvent
  std::string retry_after;  // kStatus: header values, "" for none
  std::string retry_after_ms;
  std::string should_retry;  // "true" or "false"
  std::string raw_body;      // kStatus: an HTML page in place of JSON
  // After so many content deltas, at the latest before message_delta; or
  // kBeforeMessageStop.
  int after = 2;
  int64_t silence_ms = -1;  // kStall, kHang: -1 until the client leaves
};

// Every condition that is given must hold.
struct Match {
  std::string user_contains;  // in the last user turn's texts
  std::string system_contains;
  std::string model;  // * stands for any characters
  std::string task_uid;
  int64_t attempt = 0;  // of the task header; 0: any
  // Of the calls for which all the above holds, counted from 1:
  int64_t nth = 0;    // only this one; 0: any
  int64_t every = 0;  // only each such; 0: any
};

// What a call looks like to a Match.
struct CallView {
  std::string user_text;
  std::string system_text;
  std::string model;
  std::string task_uid;
  int64_t attempt = 0;
};

struct Rule {
  Match match;
  int64_t times = -1;  // how often it applies at most; -1: always
  // One of the two, or both:
  Json answer;  // null, or {content, stop_reason, usage, …}
  std::optional<Fault> fault;
  // Of a scripted answer; absent: the server's settings.
  std::optional<int64_t> ttft_ms;
  std::optional<double> tokens_per_second;

  int64_t seen = 0;
  int64_t used = 0;
};

// Counts the call and tells whether the rule applies to it.
bool Applies(Rule& rule, const CallView& call);

// {"match":{…},"times":n,"fault":{…}} or, with the match flat beside,
// {"kind":…,"model":…,"times":…}.
absl::StatusOr<Rule> ParseFaultRule(const Json& json, const std::string& path);
// The same as `kind=cut,after=3,model=claude-haiku*,times=1`.
absl::StatusOr<Rule> ParseFaultFlag(const std::string& flag);
// {"match":{…},"times":n,"answer":{…}}
absl::StatusOr<Rule> ParseScriptRule(const Json& json, const std::string& path);

// {"answers":[…],"faults":[…]}, or the array of the answers alone.
struct Script {
  std::vector<Rule> answers;
  std::vector<Rule> faults;
};
absl::StatusOr<Script> ParseScript(const Json& json);

}  // namespace anabranch::fake_claude
