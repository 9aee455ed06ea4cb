#include "orchestrator/filter/lexer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/status_macros.h"

namespace anabranch::filter {
namespace {

constexpr size_t kShownBytesMax = 40;

bool IsBlank(char c) {
  return absl::ascii_isspace(static_cast<unsigned char>(c));
}

// Bytes of a name or a bare value; UTF-8 may stand in both.
bool IsWordByte(char c) {
  auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isalnum(byte) || c == '_' || c == '-' || c == '+' ||
         byte >= 0x80;
}

std::string Printable(char c) {
  return std::string(
      1, absl::ascii_isprint(static_cast<unsigned char>(c)) ? c : '?');
}

// A value ends where a name could not go on either.
bool IsValueByte(char c) {
  return !IsBlank(c) && c != '(' && c != ')' && c != '"' && c != '\'' &&
         c != ',';
}

class Lexer {
 public:
  explicit Lexer(std::string_view filter) : rest_(filter) {}

  absl::StatusOr<std::vector<Token>> Run() {
    while (true) {
      while (!rest_.empty() && IsBlank(rest_.front())) Skip(1);
      Token token;
      token.column = column_;
      if (rest_.empty()) {
        tokens_.push_back(std::move(token));
        return std::move(tokens_);
      }
      RETURN_IF_ERROR(Next(token));
      tokens_.push_back(std::move(token));
    }
  }

 private:
  absl::Status Next(Token& token) {
    const char c = rest_.front();
    if (c == '"' || c == '\'') return Quoted(token);
    if (!tokens_.empty() && tokens_.back().kind == TokenKind::kComparator &&
        IsValueByte(c) && !StartsWithComparator()) {
      token.kind = TokenKind::kWord;
      TakeWhile(IsValueByte, token);
      if (token.text == "*") token.kind = TokenKind::kStar;
      return absl::OkStatus();
    }
    if (StartsWithComparator()) return Comparator(token);
    // A minus before a name negates; within one it is part of it.
    if (IsWordByte(c) && c != '-') return Word(token);
    return Sign(token);
  }

  absl::Status Sign(Token& token) {
    switch (rest_.front()) {
      case '.':
        return Take(1, TokenKind::kDot, token);
      case ',':
        return Take(1, TokenKind::kComma, token);
      case '-':
        return Take(1, TokenKind::kMinus, token);
      case '*':
        return Take(1, TokenKind::kStar, token);
      case '(':
        return Take(1, TokenKind::kOpen, token);
      case ')':
        return Take(1, TokenKind::kClose, token);
      default:
        return InvalidFilter(
            column_,
            absl::StrCat("the character '", Printable(rest_.front()),
                         "' means nothing here; put values in quotes"));
    }
  }

  absl::Status Word(Token& token) {
    token.kind = TokenKind::kWord;
    TakeWhile(IsWordByte, token);
    if (token.text == "AND") token.kind = TokenKind::kAnd;
    if (token.text == "OR") token.kind = TokenKind::kOr;
    if (token.text == "NOT") token.kind = TokenKind::kNot;
    return absl::OkStatus();
  }

  bool StartsWithComparator() const {
    const char c = rest_.front();
    return c == '=' || c == '<' || c == '>' || c == ':' ||
           rest_.substr(0, 2) == "!=";
  }

  absl::Status Comparator(Token& token) {
    std::string_view two = rest_.substr(0, 2);
    bool wide = two == "!=" || two == "<=" || two == ">=";
    return Take(wide ? 2 : 1, TokenKind::kComparator, token);
  }

  absl::Status Quoted(Token& token) {
    const char quote = rest_.front();
    token.kind = TokenKind::kText;
    Skip(1);
    while (!rest_.empty() && rest_.front() != quote) {
      if (rest_.front() == '\\') {
        const bool known =
            rest_.size() > 1 && (rest_[1] == '\\' || rest_[1] == '"' ||
                                 rest_[1] == '\'' || rest_[1] == '*');
        if (!known) {
          return InvalidFilter(
              column_, R"(expected \\, \", \' or \* after the backslash)");
        }
        // What has a meaning in a pattern stays marked.
        if (rest_[1] == '*' || rest_[1] == '\\') token.text += '\\';
        Skip(1);
      }
      token.text += rest_.front();
      Skip(1);
    }
    if (rest_.empty()) {
      return InvalidFilter(token.column, "this quote is not closed");
    }
    Skip(1);
    return absl::OkStatus();
  }

  template <typename Predicate>
  void TakeWhile(Predicate predicate, Token& token) {
    while (!rest_.empty() && predicate(rest_.front())) {
      token.text += rest_.front();
      Skip(1);
    }
  }

  absl::Status Take(size_t bytes, TokenKind kind, Token& token) {
    token.kind = kind;
    token.text = std::string(rest_.substr(0, bytes));
    Skip(bytes);
    return absl::OkStatus();
  }

  // Bytes that continue a character are no column of their own.
  void Skip(size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
      rest_.remove_prefix(1);
      bool continues =
          !rest_.empty() &&
          (static_cast<unsigned char>(rest_.front()) & 0xC0) == 0x80;
      if (!continues) ++column_;
    }
  }

  std::string_view rest_;
  int column_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

absl::StatusOr<std::vector<Token>> Tokenize(std::string_view filter) {
  return Lexer(filter).Run();
}

std::string Shown(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "the end";
  std::string text = token.text.substr(0, kShownBytesMax);
  // Not cut within a character.
  while (text.size() < token.text.size() && !text.empty() &&
         (static_cast<unsigned char>(token.text[text.size()]) & 0xC0) == 0x80) {
    text.pop_back();
  }
  return absl::StrCat("'", text, text.size() < token.text.size() ? "…" : "",
                      "'");
}

absl::Status InvalidFilter(int column, std::string_view problem) {
  std::string text(problem);
  return MakeError(absl::StatusCode::kInvalidArgument, "INVALID_FILTER",
                   absl::StrCat("filter: column ", column, ": ", text),
                   {{"field", "filter"}, {"column", absl::StrCat(column)}});
}

}  // namespace anabranch::filter
