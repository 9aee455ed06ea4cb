// Lays branch results beside each other and beside the original.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anabranch::claude {

// `branches`: a JSON array of branch results,
//   {"name","state":"COMPLETED|FAILED|CANCELLED|TIMED_OUT","model",
//    "stop_reason","duration_ms","turns","usage":{"input_tokens",
//    "output_tokens","cache_read_input_tokens","cache_creation_input_tokens"},
//    "texts":[per assistant turn],"text":last text,
//    "failure":{"type","message"}?,"note"?:for people}
// `original`: the checkpoint's member of that name, likewise; empty or "null"
// for none. The comparison:
//   {"branches":[{"name","state","model","stop_reason","duration_ms"|null,
//      "turns","tokens":{"input","output","cache_read","cache_creation"},"text",
//      "texts","failure"|null,"note"?,
//      "first_difference":{"turn","line","column","offset","from":[names]}|null,
//      "differences":[{"from","turn","line","column","offset"}|
//                     {"from","same":true}…]}…],
//    "total":n,"completed":n,"failed":n,
//    "averages":{"duration_ms","turns","tokens":{…}}|null}
// The first column is `original`, marked "no_cost":true: its tokens were paid
// long ago and are not averaged. turn, line and column count from 1,
// offset (characters into the turn's text) from 0. Only columns with texts
// differ. Averages are over the COMPLETED branches. InvalidArgument names the
// field.
absl::StatusOr<std::string> CompareBranches(std::string_view branches,
                                            std::string_view original);

// A comparison as a Markdown page: a table with a column per branch, failures,
// averages, then each text.
absl::StatusOr<std::string> ComparisonToMarkdown(std::string_view comparison);

}  // namespace anabranch::claude
