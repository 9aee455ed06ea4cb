#include "orchestrator/filter/parser.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/filter/restriction.h"

namespace anabranch::filter {
namespace {

// A node of its children; one child stands for itself.
Node Joined(Node::Kind kind, std::vector<Node> children) {
  if (children.size() == 1) return std::move(children.front());
  Node node;
  node.kind = kind;
  node.children = std::move(children);
  return node;
}

class Parser {
 public:
  explicit Parser(const std::vector<Token>& tokens) : tokens_(tokens) {}

  absl::StatusOr<Node> Run() {
    ASSIGN_OR_RETURN(Node node, Expression());
    if (Here().kind == TokenKind::kEnd) return node;
    return Unexpected("AND, OR or the end");
  }

 private:
  absl::StatusOr<Node> Expression() {
    std::vector<Node> factors;
    do {
      ASSIGN_OR_RETURN(Node factor, Factor());
      factors.push_back(std::move(factor));
    } while (Take(TokenKind::kAnd) || BeginsTerm());
    return Joined(Node::Kind::kAnd, std::move(factors));
  }

  absl::StatusOr<Node> Factor() {
    std::vector<Node> terms;
    do {
      ASSIGN_OR_RETURN(Node term, Term());
      terms.push_back(std::move(term));
    } while (Take(TokenKind::kOr));
    return Joined(Node::Kind::kOr, std::move(terms));
  }

  absl::StatusOr<Node> Term() {
    bool negated = Take(TokenKind::kNot) || Take(TokenKind::kMinus);
    ASSIGN_OR_RETURN(Node simple, Simple());
    if (!negated) return simple;
    Node node;
    node.kind = Node::Kind::kNot;
    node.children.push_back(std::move(simple));
    return node;
  }

  absl::StatusOr<Node> Simple() {
    if (Take(TokenKind::kStar)) return Node();
    if (Here().kind != TokenKind::kOpen) return Comparison();
    if (depth_ == limits::kFilterDepthMax) {
      return InvalidFilter(Here().column,
                           absl::StrCat("parentheses deeper than ",
                                        limits::kFilterDepthMax, " levels"));
    }
    ++depth_;
    ++place_;
    ASSIGN_OR_RETURN(Node node, Expression());
    if (!Take(TokenKind::kClose)) return Unexpected("AND, OR or ')'");
    --depth_;
    return node;
  }

  absl::StatusOr<Node> Comparison() {
    if (Here().kind != TokenKind::kWord) {
      return Unexpected("a field, NOT, '-', '(' or '*'");
    }
    std::vector<Token> path{tokens_[place_++]};
    while (Take(TokenKind::kDot)) {
      if (Here().kind != TokenKind::kWord && Here().kind != TokenKind::kText) {
        return Unexpected("a name");
      }
      path.push_back(tokens_[place_++]);
    }
    Node node;
    node.kind = Node::Kind::kRestriction;
    ASSIGN_OR_RETURN(node.restriction, FieldOf(path));
    if (Here().kind == TokenKind::kComparator) {
      const Token& comparator = tokens_[place_++];
      RETURN_IF_ERROR(Complete(node.restriction, comparator, Here()));
      ++place_;
      return node;
    }
    if (!IsFlag(node.restriction.field)) {
      return Unexpected(
          absl::StrCat("a comparison (", path.front().text, " = …)"));
    }
    node.restriction.flag = true;
    return node;
  }

  // Whether what follows is one more term, joined by a blank.
  bool BeginsTerm() const {
    switch (Here().kind) {
      case TokenKind::kWord:
      case TokenKind::kText:
      case TokenKind::kMinus:
      case TokenKind::kStar:
      case TokenKind::kOpen:
      case TokenKind::kNot:
        return true;
      default:
        return false;
    }
  }

  const Token& Here() const { return tokens_[place_]; }

  bool Take(TokenKind kind) {
    if (Here().kind != kind) return false;
    ++place_;
    return true;
  }

  absl::Status Unexpected(const std::string& expected) const {
    return InvalidFilter(
        Here().column,
        absl::StrCat("expected ", expected, ", found ", Shown(Here())));
  }

  const std::vector<Token>& tokens_;
  size_t place_ = 0;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<Node> Parse(const std::vector<Token>& tokens) {
  return Parser(tokens).Run();
}

}  // namespace anabranch::filter
