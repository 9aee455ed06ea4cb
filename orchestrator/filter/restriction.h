// One comparison of a filter: its field, and the value that fits it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "orchestrator/filter/expression.h"
#include "orchestrator/filter/lexer.h"

namespace anabranch::filter {

// A field as it is written, without comparator and value: `labels` and its
// key come as path {"labels", "team"}. INVALID_FILTER names the fields that
// there are.
absl::StatusOr<Restriction> FieldOf(const std::vector<Token>& path);

// Whether a field is true or false by itself: `retrying`.
bool IsFlag(Field field);

// Gives `restriction` its comparator and value. INVALID_FILTER for a
// comparator that the field does not know, and a value that is none of its
// kind.
absl::Status Complete(Restriction& restriction, const Token& comparator,
                      const Token& value);

}  // namespace anabranch::filter
