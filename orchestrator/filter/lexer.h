// Lexer: a filter's text as tokens. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace anabranch::filter {

enum class TokenKind {
  kWord,        // state, FAILED, 2026-11-28T10:00:00Z, -1h
  kText,        // "in quotes"
  kComparator,  // = != < <= > >= :
  kDot,
  kComma,
  kMinus,
  kStar,
  kOpen,
  kClose,
  kAnd,
  kOr,
  kNot,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  // Without quotes. `\*` and `\\` stay as they are: in a pattern the star
  // and the backslash are meant themselves.
  std::string text;
  // Where it begins, from 1, in characters.
  int column = 1;
};

// All tokens, ended by kEnd. INVALID_FILTER for a quote that is not closed, an
// unknown escape and a character that means nothing.
//
// What follows a comparator is taken up to the next blank or parenthesis, so
// that a time (2026-11-28T10:00:00+01:00), an id (team:a.b) and a negative
// duration (-1h) need no quotes.
absl::StatusOr<std::vector<Token>> Tokenize(std::string_view filter);

// How errors show a token: `"FAILED"`, `the end`.
std::string Shown(const Token& token);

// INVALID_FILTER: where, what was expected, what is there.
absl::Status InvalidFilter(int column, std::string_view problem);

}  // namespace anabranch::filter
