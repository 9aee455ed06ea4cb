// Parser: tokens as a tree. Pure.
//
//   expression  = factor { [AND] factor }          a blank is an AND
//   factor      = term { OR term }                 OR binds more tightly
//   term        = [NOT | "-"] simple
//   simple      = "*" | "(" expression ")" | restriction
//   restriction = field [ comparator value ]       alone: a flag that is true
//   field       = name { "." name }
//
// This is AIP-160 without functions.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "orchestrator/filter/expression.h"
#include "orchestrator/filter/lexer.h"

namespace anabranch::filter {

// `tokens` end with kEnd. INVALID_FILTER names the column and what was
// expected; also for parentheses deeper than limits::kFilterDepthMax.
absl::StatusOr<Node> Parse(const std::vector<Token>& tokens);

}  // namespace anabranch::filter
