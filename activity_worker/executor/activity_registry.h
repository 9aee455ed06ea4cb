// The activity types that this worker offers.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "activity_worker/executor/activity.h"

namespace anabranch::activity_worker {

// Filled at start-up; then read by the executor's thread.
class ActivityRegistry {
 public:
  // CHECKs that the type is new.
  void Register(std::string_view type, ActivityFactory factory);

  // Null when the type is not offered.
  const ActivityFactory* Find(std::string_view type) const;

  // Sorted.
  std::vector<std::string> Types() const;

 private:
  std::map<std::string, ActivityFactory, std::less<>> factories_;
};

}  // namespace anabranch::activity_worker
