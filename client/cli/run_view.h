// A run as it happens, for people.
#pragma once

#include <iosfwd>
#include <set>

#include "absl/time/time.h"
#include "anabranch/v1/run_service.pb.h"
#include "client/cli/event_text.h"
#include "client/cli/token_printer.h"

namespace anabranch::cli {

// Prints the messages of WatchRun. Threads: one.
class RunView {
 public:
  struct Options {
    bool events = true;  // every event, else what a caller waits for
    bool raw_tokens = false;
    absl::TimeZone zone;
  };

  RunView(std::ostream& out, Options options)
      : out_(out), options_(options), tokens_(out, options.raw_tokens) {}

  void Take(const v1::WatchRunResponse& message);

 private:
  void TakeEvent(const v1::HistoryEvent& event);
  void TakeActivity(const v1::ActivityInfo& activity);

  std::ostream& out_;
  const Options options_;
  ActivityNames names_;
  TokenPrinter tokens_;
  std::set<int64_t> closed_;
};

// How a closed run ended, in one sentence.
std::string Epitaph(const v1::Run& run);

}  // namespace anabranch::cli
