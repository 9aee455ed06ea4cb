// What fake_claude tells over HTTP: the independent witness of every call.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anabranch::support {

struct LedgerCall {
  int64_t index = 0;
  bool begun = false;   // accepted: it costs
  std::string outcome;  // empty while the call is open
  int64_t begun_ms = 0;
  int64_t finished_ms = 0;  // 0 while open
  std::string model;
  std::string content;  // of finished calls: the array as it was sent
  // The task that the call was made for; uid is empty when none was named.
  std::string uid;
  int64_t seq = 0;
  int64_t attempt = 0;
  std::string session;

  bool open() const { return begun && outcome.empty(); }
  bool finished() const { return outcome == "finished"; }
};

// Calls in the order in which they came.
struct Ledger {
  std::vector<LedgerCall> calls;

  int64_t Begun() const;
  int64_t Finished() const;
  int64_t Open() const;
  int64_t OpenOf(const std::string& session) const;
  // Those begun, by task, in their order.
  std::map<std::pair<std::string, int64_t>, std::vector<const LedgerCall*>>
  ByTask() const;
};

// Threads: one.
class FakeApi {
 public:
  explicit FakeApi(std::string url) : url_(std::move(url)) {}

  const std::string& url() const { return url_; }
  absl::StatusOr<Ledger> ReadLedger() const;
  // Settings as fake_claude's README lists them.
  absl::Status Control(const std::string& json) const;

 private:
  std::string url_;
};

}  // namespace anabranch::support
