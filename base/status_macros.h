// RETURN_IF_ERROR and ASSIGN_OR_RETURN for absl::Status, which Debian's Abseil
// does not have.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expr`, an absl::Status, is an
// error.
#define RETURN_IF_ERROR(expr)                \
  do {                                       \
    ::absl::Status ab_status_ = (expr);      \
    if (!ab_status_.ok()) return ab_status_; \
  } while (false)

#define AB_CONCAT_INNER_(a, b) a##b
#define AB_CONCAT_(a, b) AB_CONCAT_INNER_(a, b)

// ASSIGN_OR_RETURN(auto x, F()): x is the value of F()'s StatusOr, or the
// enclosing function returns its error.
#define ASSIGN_OR_RETURN(lhs, expr) \
  AB_ASSIGN_OR_RETURN_(AB_CONCAT_(ab_statusor_, __LINE__), lhs, expr)

#define AB_ASSIGN_OR_RETURN_(statusor, lhs, expr) \
  auto statusor = (expr);                         \
  if (!statusor.ok()) return statusor.status();   \
  lhs = std::move(statusor).value()
