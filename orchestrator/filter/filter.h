// Filter: which runs somebody means, in the language of AIP-160.
//
//   state = FAILED AND flow = claude_chat
//   labels.team = "search" -state = RUNNING
//   (state = BLOCKED OR retrying) create_time > -24h
//   *
//
// Fields: state (a bare name), flow, run_id and parent (its run_id) with `*`
// as a wildcard, labels.KEY, create_time and close_time (RFC 3339, or how long
// ago: -1h), and the flags retrying, blocked and paused. `field:*` asks
// whether the field is there, labels:KEY whether the label is. As AIP-160 has
// it, OR binds more tightly than AND, and a blank is an AND.
#pragma once

#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/v1/run.pb.h"
#include "orchestrator/filter/expression.h"

namespace anabranch::filter {

// A value; immutable. Threads: any.
class Filter {
 public:
  explicit Filter(Node node) : node_(std::move(node)) {}

  // By what people see of a run, without what is derived at reading
  // (waiting_for). `now` is what a time that counts back counts from.
  bool Matches(const anabranch::v1::Run& run, absl::Time now) const {
    return filter::Matches(node_, run, now);
  }

 private:
  Node node_;
};

// INVALID_FILTER names the column and what was expected there; also for a text
// of more than limits::kFilterBytesMax bytes and for an empty one. Pure: any
// bytes give a filter or an error.
absl::StatusOr<Filter> ParseFilter(std::string_view text);

}  // namespace anabranch::filter
