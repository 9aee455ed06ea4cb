// A batch: one action on all runs that a filter means, as far as it has come.
//
//   state     | round                    | becomes
//   ----------+--------------------------+------------------------------------
//   fresh     | (its start is not durable) | open, when it is
//   open      | acts on the next runs    | open, with its cursor moved on
//   open      | reaches the last run     | closed
//   open      | somebody cancels it      | closed, `cancelled`
//   closed    | (what closed it is not durable) | forgotten, when it is
//
// The runs are those of the listing that are not newer than the batch. Cursor,
// counts and what is done to the runs are one atomic batch: after a restart no
// run is acted on again, and none is left out. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/run.pb.h"
#include "orchestrator/filter/filter.h"

namespace anabranch::shard {

// Namespace and batch_id.
using BatchKey = std::pair<std::string, std::string>;

struct OpenBatch {
  storage::v1::BatchRecord record;
  // Nothing when this build does not understand it any more.
  std::optional<filter::Filter> filter;
  // Started in the round in hand: runs of that round are not in the store's
  // listing yet.
  bool fresh = false;

  bool closed() const { return record.has_close_time(); }
  // Whether the next round has something to do.
  bool workable() const { return !fresh && !closed(); }
  // Whether it means that run.
  bool Means(const anabranch::v1::Run& run) const;
};

using Batches = std::map<BatchKey, OpenBatch>;

BatchKey KeyOf(const storage::v1::BatchRecord& record);

// A batch with its filter read.
OpenBatch Opened(storage::v1::BatchRecord record);

// Whether two requests ask for the same; large inputs are references by now.
bool SameRequest(const storage::v1::BatchRecord& a,
                 const storage::v1::BatchRecord& b);

// Counts one run's outcome; the first failures are kept in words.
void CountOutcome(storage::v1::BatchRecord& record, const std::string& run_id,
                  const absl::Status& outcome);

}  // namespace anabranch::shard
