#include "tests/program/print.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/program/words.h"

namespace anabranch::program {
namespace {

// One statement's lines, at its depth.
class Printer {
 public:
  explicit Printer(int indent) : indent_(indent) {}

  std::string text;

  void operator()(const Call& s) {
    std::string line = absl::StrCat("call ", Quoted(s.type), " ", s.input);
    for (const auto& [name, value] : s.options) {
      absl::StrAppend(&line, " ", name, "=", value);
    }
    Add(line);
  }
  void operator()(const Timer& s) {
    Add(absl::StrCat("timer ", absl::FormatDuration(s.duration)));
  }
  void operator()(const Receive& s) {
    Add(absl::StrCat("receive ", Quoted(s.signal)));
  }
  void operator()(const AwaitCancel&) { Add("await_cancel"); }
  void operator()(const Draw& s) {
    Add(s.kind == Draw::Kind::kNow      ? "now"
        : s.kind == Draw::Kind::kRandom ? "random"
                                        : "uuid");
  }
  void operator()(const SideEffect& s) {
    Add(absl::StrCat("side_effect ", Quoted(s.name)));
  }
  void operator()(const Many& s) {
    Add(absl::StrCat("many ", s.count));
    AddBody(s.body);
  }
  void operator()(const Loop& s) {
    Add(absl::StrCat("loop ", s.count));
    AddBody(s.body);
  }
  void operator()(const Go& s) {
    Add("go");
    AddBody(s.body);
  }
  void operator()(const Join& s) {
    Add(s.kind == Join::Kind::kAll       ? "all"
        : s.kind == Join::Kind::kSettled ? "settled"
                                         : "any");
    for (const Block& branch : s.branches) {
      absl::StrAppend(&text, std::string(indent_ + 2, ' '), "branch\n",
                      PrintProgram(branch, indent_ + 4));
    }
  }
  void operator()(const Try& s) {
    Add("try");
    AddBody(s.body);
    for (const Handler& handler : s.handlers) {
      Add(absl::StrCat("on ", Quoted(handler.type)));
      AddBody(handler.body);
    }
  }
  void operator()(const Return& s) {
    Add(s.json.empty() ? "return" : absl::StrCat("return ", s.json));
  }
  void operator()(const Fail& s) {
    Add(absl::StrCat("fail ", Quoted(s.type), " ", Quoted(s.message)));
  }
  void operator()(const Throw& s) {
    Add(absl::StrCat("throw ", Quoted(s.message)));
  }
  void operator()(const Log& s) { Add(absl::StrCat("log ", Quoted(s.line))); }

 private:
  void Add(const std::string& line) {
    absl::StrAppend(&text, std::string(indent_, ' '), line, "\n");
  }
  void AddBody(const Block& body) {
    absl::StrAppend(&text, PrintProgram(body, indent_ + 2));
  }

  int indent_;
};

}  // namespace

std::string PrintProgram(const Block& program, int indent) {
  std::string text;
  for (const Statement& statement : program) {
    Printer printer(indent);
    std::visit(printer, statement.kind);
    text += printer.text;
  }
  return text;
}

}  // namespace anabranch::program
