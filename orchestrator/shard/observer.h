// What a shard tells those who measure it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/activity.pb.h"
#include "orchestrator/core/activity_row.h"

namespace anabranch::shard {

// Called on the shard's thread while it works, before what it tells of is
// durable: must be quick, and nothing may come of it but numbers.
class Observer {
 public:
  virtual ~Observer() = default;

  // A stimulus, and what its flow asked for thereupon.
  virtual void Activated(const storage::v1::ActivationRecord& activation) = 0;
  // A worker gets the activity's next attempt.
  virtual void Granted(const anabranch::v1::ActivityInfo& activity) = 0;
  // An activity has gone over this row of its machine's table.
  virtual void Moved(core::ActivityRow row) = 0;
  // Usage of an attempt, as raw JSON.
  virtual void Used(const std::string& usage_json) = 0;
  // An open run was needed; `live` when it had not to be rebuilt.
  virtual void RunNeeded(bool live) = 0;
  // Between the two a flow is replayed from that many events.
  virtual void ReplayBegins() = 0;
  virtual void ReplayEnds(int64_t events) = 0;
  // A batch has become durable within `latency`.
  virtual void Wrote(int64_t bytes, absl::Duration latency) = 0;
};

}  // namespace anabranch::shard
