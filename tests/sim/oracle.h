// Oracle: what a random program must ask for, told from the stimuli in the
// order in which they were recorded. A second interpreter, which shares nothing
// with the SDK: no coroutines, no futures, no queue; a stimulus calls on what
// waits for it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"
#include "tests/sim/random_program.h"

namespace anabranch::sim {

// Threads: one. `program` outlives it.
class Oracle {
 public:
  // Reads the content of a payload as JSON text.
  using Content = std::function<std::string(const anabranch::v1::Payload&)>;

  Oracle(const NodeBlock& program, Content content)
      : program_(program), content_(std::move(content)) {}

  // Takes in one activation; what differs from it, or nothing.
  std::string Take(const storage::v1::ActivationRecord& activation);

 private:
  struct Result {
    bool failed = false;
    // Type of the failure.
    std::string type = {};
    std::string json = {};
  };
  using Done = std::function<void(const Result&)>;
  using Values = std::shared_ptr<std::vector<std::string>>;

  void Deliver(const anabranch::v1::HistoryEvent& stimulus);
  void CancelAll();
  // Statements from the i-th on.
  void RunBlock(const NodeBlock& block, size_t i, const Values& values,
                const Done& done);
  // A block with a list of its own.
  void RunBranch(const NodeBlock& block, const Done& done);
  void RunNode(const Node& node, const Values& values, const Done& done);
  void RunLoop(const Node& node, int64_t left, const Values& values,
               const Done& done);
  void RunBranches(const Node& node, const Values& values, const Done& done);
  // How a block with branches goes on once they all have begun.
  struct Join;
  void OnBranch(Join& join, size_t branch, const Result& result);
  void Receive(const std::string& name, const Done& done);
  // Asks for a call or timer; what it is called here.
  void Ask(const std::string& what, const Done& done);
  void Resolve(int64_t seq, const Result& result);
  // What the event records, in the oracle's words; opens it under its number.
  std::string Recorded(const anabranch::v1::HistoryEvent& event);
  std::string Bind(int64_t seq, const std::string& what, bool child = false);
  // Ends this history, unless a call or child is open.
  void Continue(const Done& done);

  const NodeBlock& program_;
  const Content content_;
  // What the activation in hand must record, in any order.
  std::multiset<std::string> asked_;
  // Asked for and not bound to a number yet; bound and open.
  std::multimap<std::string, Done> unbound_;
  struct Open {
    std::string what;
    Done done;
    // It closes as it does, also when it is cancelled.
    bool child = false;
  };
  std::map<int64_t, Open> open_;
  // What each number was asked for as.
  std::map<int64_t, std::string> names_;
  std::map<std::string, std::deque<std::string>> unread_;
  std::map<std::string, std::deque<Done>> receives_;
  // After it the order in which branches fail decides the end: only the
  // commands are told.
  bool cancelled_ = false;
  bool closed_ = false;
};

}  // namespace anabranch::sim
