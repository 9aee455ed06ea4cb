#include "tests/program/parse.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "tests/program/options.h"

namespace anabranch::program {
namespace {

absl::Status Problem(const Line& line, std::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line.number, ", `", line.text,
                   "`: ", absl::string_view(problem.data(), problem.size())));
}

class Parser {
 public:
  explicit Parser(const std::vector<Line>& lines) : lines_(lines) {}

  absl::StatusOr<Block> Program() {
    if (lines_.empty()) return Block();
    ASSIGN_OR_RETURN(Block block, BlockAt(lines_.front().indent));
    if (at_ < lines_.size()) {
      return Problem(lines_[at_], "stands further left than the first line");
    }
    return block;
  }

 private:
  // One line's parts on their way to a statement.
  struct Head {
    Line line;
    std::string verb;
    Words words;

    size_t arguments() const { return words.plain.size(); }
    std::string Argument(size_t i) const {
      return i < words.plain.size() ? words.plain[i] : std::string();
    }
    std::string Name(size_t i) const { return Unquoted(Argument(i)); }
  };

  absl::StatusOr<Block> BlockAt(int indent) {
    Block block;
    while (at_ < lines_.size() && lines_[at_].indent >= indent) {
      if (lines_[at_].indent > indent) {
        return Problem(lines_[at_], "stands deeper than what it belongs to");
      }
      ASSIGN_OR_RETURN(Statement statement, ParseStatement());
      block.push_back(std::move(statement));
    }
    return block;
  }

  // The lines deeper than `line`; at least one.
  absl::StatusOr<Block> Body(const Line& line) {
    if (at_ >= lines_.size() || lines_[at_].indent <= line.indent) {
      return Problem(line, "needs a block below it, further right");
    }
    return BlockAt(lines_[at_].indent);
  }

  // The statement that follows on the same line, or the block below.
  absl::StatusOr<Block> BodyFrom(const Head& head, size_t first_word) {
    if (head.arguments() <= first_word && head.words.options.empty()) {
      return Body(head.line);
    }
    Line rest = head.line;
    std::string_view text = head.line.text;
    // Past the verb and the arguments before the statement.
    for (size_t i = 0; i <= first_word; ++i) {
      text.remove_prefix(std::min(text.find(' '), text.size()));
      text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    }
    rest.text = std::string(text);
    ASSIGN_OR_RETURN(Statement statement, ParseLine(rest));
    Block block;
    block.push_back(std::move(statement));
    return block;
  }

  absl::StatusOr<Statement> ParseStatement() {
    return ParseLine(lines_[at_++]);
  }

  absl::StatusOr<Statement> ParseLine(const Line& line) {
    Head head;
    head.line = line;
    auto words = SplitWords(line.text);
    if (!words.ok())
      return Problem(line, std::string(words.status().message()));
    head.words = *std::move(words);
    if (head.words.plain.empty()) return Problem(line, "has no verb");
    head.verb = head.words.plain.front();
    head.words.plain.erase(head.words.plain.begin());
    using Parse = absl::StatusOr<Statement> (Parser::*)(const Head&);
    struct Verb {
      Parse parse;
      size_t arguments_min = 0;
      size_t arguments_max = 0;
    };
    constexpr size_t kMore = 1000;
    static const std::map<std::string, Verb, std::less<>> verbs = {
        {"call", {&Parser::ParseCall, 1, 2}},
        {"timer", {&Parser::ParseTimer, 1, 1}},
        {"receive", {&Parser::ParseReceive, 1, 1}},
        {"await_cancel", {&Parser::ParseAwaitCancel}},
        {"now", {&Parser::ParseDraw}},
        {"random", {&Parser::ParseDraw}},
        {"uuid", {&Parser::ParseDraw}},
        {"suggested", {&Parser::ParseDraw}},
        {"side_effect", {&Parser::ParseSideEffect, 1, 1}},
        {"many", {&Parser::ParseMany, 1, kMore}},
        {"loop", {&Parser::ParseLoop, 1, kMore}},
        {"go", {&Parser::ParseGo, 0, kMore}},
        {"all", {&Parser::ParseJoin}},
        {"settled", {&Parser::ParseJoin}},
        {"any", {&Parser::ParseJoin}},
        {"first", {&Parser::ParseJoin}},
        {"race", {&Parser::ParseJoin}},
        {"try", {&Parser::ParseTry}},
        {"scope", {&Parser::ParseScope, 1, 1}},
        {"shield", {&Parser::ParseScope}},
        {"cancel", {&Parser::ParseCancel, 1, 1}},
        {"publish", {&Parser::ParsePublish, 2, 2}},
        {"answer", {&Parser::ParseAnswer, 1, 2}},
        {"patch", {&Parser::ParsePatch, 1, 1}},
        {"deprecate_patch", {&Parser::ParseDeprecatePatch, 1, 1}},
        {"child", {&Parser::ParseChild, 0, 1}},
        {"continue", {&Parser::ParseContinue}},
        {"return", {&Parser::ParseReturn, 0, 1}},
        {"fail", {&Parser::ParseFail, 1, 2}},
        {"throw", {&Parser::ParseThrow, 1, 1}},
        {"log", {&Parser::ParseLog, 1, 1}},
    };
    auto verb = verbs.find(head.verb);
    if (verb == verbs.end()) {
      return Problem(line, "unknown verb; tests/program/ast.h lists them");
    }
    if (head.arguments() < verb->second.arguments_min ||
        head.arguments() > verb->second.arguments_max) {
      return Problem(line,
                     absl::StrCat("takes ", verb->second.arguments_min, " to ",
                                  verb->second.arguments_max, " arguments"));
    }
    return (this->*verb->second.parse)(head);
  }

  absl::StatusOr<Statement> ParseCall(const Head& head) {
    Call call{head.Name(0), "null", head.words.options};
    if (head.arguments() == 2) {
      ASSIGN_OR_RETURN(call.input, Json(head, 1));
    }
    auto options = ToActivityOptions(call.options);
    if (!options.ok()) {
      return Problem(head.line, std::string(options.status().message()));
    }
    return Statement{std::move(call)};
  }

  absl::StatusOr<Statement> ParseTimer(const Head& head) {
    Timer timer;
    if (!absl::ParseDuration(head.Argument(0), &timer.duration)) {
      return Problem(head.line, "needs a duration such as 5s");
    }
    return Statement{timer};
  }

  absl::StatusOr<Statement> ParseReceive(const Head& head) {
    return Statement{Receive{head.Name(0)}};
  }

  absl::StatusOr<Statement> ParseAwaitCancel(const Head&) {
    return Statement{AwaitCancel{}};
  }

  absl::StatusOr<Statement> ParseDraw(const Head& head) {
    if (head.verb == "now") return Statement{Draw{Draw::Kind::kNow}};
    if (head.verb == "random") return Statement{Draw{Draw::Kind::kRandom}};
    if (head.verb == "uuid") return Statement{Draw{Draw::Kind::kUuid}};
    return Statement{Draw{Draw::Kind::kSuggested}};
  }

  absl::StatusOr<Statement> ParseSideEffect(const Head& head) {
    return Statement{SideEffect{head.Name(0)}};
  }

  absl::StatusOr<Statement> ParseMany(const Head& head) {
    Many many;
    ASSIGN_OR_RETURN(many.count, Count(head));
    ASSIGN_OR_RETURN(many.body, BodyFrom(head, 1));
    return Statement{std::move(many)};
  }

  absl::StatusOr<Statement> ParseLoop(const Head& head) {
    Loop loop;
    ASSIGN_OR_RETURN(loop.count, Count(head));
    ASSIGN_OR_RETURN(loop.body, BodyFrom(head, 1));
    return Statement{std::move(loop)};
  }

  absl::StatusOr<Statement> ParseGo(const Head& head) {
    Go go;
    ASSIGN_OR_RETURN(go.body, BodyFrom(head, 0));
    return Statement{std::move(go)};
  }

  absl::StatusOr<Statement> ParseJoin(const Head& head) {
    Join join;
    if (head.verb == "settled") join.kind = Join::Kind::kSettled;
    if (head.verb == "any") join.kind = Join::Kind::kAny;
    if (head.verb == "first") join.kind = Join::Kind::kFirst;
    if (head.verb == "race") join.kind = Join::Kind::kRace;
    int indent = at_ < lines_.size() ? lines_[at_].indent : 0;
    if (indent <= head.line.indent) {
      return Problem(head.line, "needs branches below it, further right");
    }
    while (at_ < lines_.size() && lines_[at_].indent >= indent) {
      if (lines_[at_].indent > indent) {
        return Problem(lines_[at_], "stands deeper than what it belongs to");
      }
      Block branch;
      if (lines_[at_].text == "branch") {
        const Line& line = lines_[at_++];
        ASSIGN_OR_RETURN(branch, Body(line));
      } else {
        ASSIGN_OR_RETURN(Statement statement, ParseStatement());
        branch.push_back(std::move(statement));
      }
      join.branches.push_back(std::move(branch));
    }
    return Statement{std::move(join)};
  }

  absl::StatusOr<Statement> ParseTry(const Head& head) {
    Try statement;
    ASSIGN_OR_RETURN(statement.body, Body(head.line));
    while (const Line* line = Follower(head.line, "on ")) {
      Handler handler;
      handler.type = Unquoted(line->text.substr(3));
      ASSIGN_OR_RETURN(handler.body, Body(*line));
      statement.handlers.push_back(std::move(handler));
    }
    if (statement.handlers.empty()) {
      return Problem(head.line, "needs `on TYPE` after its block");
    }
    return Statement{std::move(statement)};
  }

  absl::StatusOr<Statement> ParseScope(const Head& head) {
    InScope scope{head.Name(0), {}};
    ASSIGN_OR_RETURN(scope.body, Body(head.line));
    return Statement{std::move(scope)};
  }

  absl::StatusOr<Statement> ParseCancel(const Head& head) {
    return Statement{CancelScope{head.Name(0)}};
  }

  absl::StatusOr<Statement> ParsePublish(const Head& head) {
    Publish publish{head.Name(0), ""};
    ASSIGN_OR_RETURN(publish.value, Json(head, 1));
    return Statement{std::move(publish)};
  }

  absl::StatusOr<Statement> ParseAnswer(const Head& head) {
    Answer answer{head.Name(0), ""};
    if (head.arguments() == 2) {
      ASSIGN_OR_RETURN(answer.value, Json(head, 1));
    }
    return Statement{std::move(answer)};
  }

  absl::StatusOr<Statement> ParsePatch(const Head& head) {
    Patch patch{head.Name(0), {}, {}};
    ASSIGN_OR_RETURN(patch.newer, Body(head.line));
    if (const Line* line = Follower(head.line, "else")) {
      ASSIGN_OR_RETURN(patch.older, Body(*line));
    }
    return Statement{std::move(patch)};
  }

  absl::StatusOr<Statement> ParseDeprecatePatch(const Head& head) {
    return Statement{DeprecatePatch{head.Name(0)}};
  }

  absl::StatusOr<Statement> ParseChild(const Head& head) {
    Child child{head.Name(0), head.words.options, {}};
    auto options = ToChildOptions(child.options);
    if (!options.ok()) {
      return Problem(head.line, std::string(options.status().message()));
    }
    bool has_program =
        at_ < lines_.size() && lines_[at_].indent > head.line.indent;
    if (has_program == child.options.contains("flow")) {
      return Problem(head.line, "needs either flow= or a program below it");
    }
    if (has_program) {
      ASSIGN_OR_RETURN(child.program, Body(head.line));
    }
    return Statement{std::move(child)};
  }

  absl::StatusOr<Statement> ParseContinue(const Head& head) {
    Continue next;
    ASSIGN_OR_RETURN(next.program, Body(head.line));
    return Statement{std::move(next)};
  }

  absl::StatusOr<Statement> ParseReturn(const Head& head) {
    Return statement;
    if (head.arguments() == 1) {
      ASSIGN_OR_RETURN(statement.json, Json(head, 0));
    }
    return Statement{std::move(statement)};
  }

  absl::StatusOr<Statement> ParseFail(const Head& head) {
    return Statement{Fail{head.Name(0), head.Name(1)}};
  }

  absl::StatusOr<Statement> ParseThrow(const Head& head) {
    return Statement{Throw{head.Name(0)}};
  }

  absl::StatusOr<Statement> ParseLog(const Head& head) {
    return Statement{Log{head.Name(0)}};
  }

  // The next line when it goes on with `line`'s statement; it is taken.
  const Line* Follower(const Line& line, std::string_view start) {
    if (at_ >= lines_.size() || lines_[at_].indent != line.indent ||
        !lines_[at_].text.starts_with(start)) {
      return nullptr;
    }
    return &lines_[at_++];
  }

  static absl::StatusOr<int> Count(const Head& head) {
    int count = 0;
    if (!absl::SimpleAtoi(head.Argument(0), &count) || count < 0) {
      return Problem(head.line, "needs a number first");
    }
    return count;
  }

  static absl::StatusOr<std::string> Json(const Head& head, size_t i) {
    if (!nlohmann::json::accept(head.Argument(i))) {
      return Problem(head.line, absl::StrCat(head.Argument(i), " is not JSON"));
    }
    return head.Argument(i);
  }

  const std::vector<Line>& lines_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<Block> ParseProgram(std::string_view text) {
  return ParseProgram(SplitLines(text));
}

absl::StatusOr<Block> ParseProgram(const std::vector<Line>& lines) {
  return Parser(lines).Program();
}

}  // namespace anabranch::program
