// How the branches of a fork & compare get on.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/run_service.pb.h"
#include "client/cli/event_text.h"

namespace anabranch::cli {

// "opus/turn-2" → branch "opus", turn 2; turn 0 when the name is of another
// form.
struct TurnName {
  std::string branch;
  int turn = 0;
};
TurnName ParseTurnName(const std::string& name);

// A line per branch, drawn anew in place on a terminal; else a line for each
// piece of news. Threads: one.
class BranchBoard {
 public:
  // `width`: columns of the terminal, used when `live`.
  BranchBoard(std::ostream& out, const std::vector<std::string>& branches,
              bool live, int width);

  void Take(const v1::WatchRunResponse& message);
  // Somebody else prints: the next drawing starts below.
  void Release() { drawn_ = false; }

 private:
  struct Branch {
    std::string name;
    std::string news = "waits";
    int64_t bytes = 0;  // streamed by the current attempt
    std::string tail;   // the last of it
    int64_t attempt_key = 0;
  };

  void TakeEvent(const v1::HistoryEvent& event);
  void TakeActivity(const v1::ActivityInfo& activity);
  void TakeProgress(const v1::ActivityProgress& progress);
  void Tell(int64_t seq, const std::string& news);
  Branch* Find(const std::string& name);
  void Draw(bool always);

  std::ostream& out_;
  const bool live_;
  const int width_;
  std::vector<Branch> branches_;
  ActivityNames names_;
  std::map<int64_t, std::string> last_news_;
  bool drawn_ = false;
  absl::Time drawn_at_;
};

}  // namespace anabranch::cli
