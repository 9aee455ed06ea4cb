// Matcher: which ready activity goes next. No durable state: it is filled from
// activity records at recovery.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/ids.h"
#include "orchestrator/shard/sessions.h"

namespace anabranch::shard {

// Under its shard's role. First in, first out within a type.
class Matcher {
 public:
  // Offers an activity; no effect when it is offered already.
  void Ready(ActivityId id, const std::string& type);
  // Takes an offer back; no effect when there is none.
  void Remove(ActivityId id);

  // Keeps back what the run offers, now and later, until it is let go.
  void Hold(Uid uid);
  // What it offers takes the place that it would have had.
  void Unhold(Uid uid);

  struct Match {
    ActivityId id;
    Session* session = nullptr;
  };
  // The next activity for which a session waits, its offer taken back.
  std::optional<Match> Next(Sessions& sessions);

 private:
  struct Place {
    std::string type;
    uint64_t order = 0;
  };
  void TakeOut(ActivityId id, const Place& place);

  std::map<std::string, std::set<std::pair<uint64_t, ActivityId>>> ready_;
  std::map<ActivityId, Place> places_;
  std::set<Uid> held_;
  uint64_t next_order_ = 0;
};

}  // namespace anabranch::shard
