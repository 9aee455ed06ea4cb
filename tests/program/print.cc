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
    constexpr const char* kVerbs[] = {"now", "random", "uuid", "suggested"};
    Add(kVerbs[static_cast<int>(s.kind)]);
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
    constexpr const char* kVerbs[] = {"all", "settled", "any", "first", "race"};
    Add(kVerbs[static_cast<int>(s.kind)]);
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
  void operator()(const InScope& s) {
    Add(s.name.empty() ? "shield" : absl::StrCat("scope ", Quoted(s.name)));
    AddBody(s.body);
  }
  void operator()(const CancelScope& s) {
    Add(absl::StrCat("cancel ", Quoted(s.name)));
  }
  void operator()(const Publish& s) {
    Add(absl::StrCat("publish ", Quoted(s.name), " ", s.value));
  }
  void operator()(const Answer& s) {
    Add(s.value.empty()
            ? absl::StrCat("answer ", Quoted(s.name))
            : absl::StrCat("answer ", Quoted(s.name), " ", s.value));
  }
  void operator()(const Patch& s) {
    Add(absl::StrCat("patch ", Quoted(s.id)));
    AddBody(s.newer);
    if (s.older.empty()) return;
    Add("else");
    AddBody(s.older);
  }
  void operator()(const DeprecatePatch& s) {
    Add(absl::StrCat("deprecate_patch ", Quoted(s.id)));
  }
  void operator()(const Child& s) {
    std::string line = "child";
    if (!s.run_id.empty()) absl::StrAppend(&line, " ", Quoted(s.run_id));
    for (const auto& [name, value] : s.options) {
      absl::StrAppend(&line, " ", name, "=", value);
    }
    Add(line);
    AddBody(s.program);
  }
  void operator()(const Continue& s) {
    Add("continue");
    AddBody(s.program);
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
