// Programs as data: what a flow does, written down instead of compiled in.
//
// A program is lines; a block is the lines that stand deeper. `#` begins a
// comment line. JSON values may hold spaces, words with spaces are quoted.
//
//   call TYPE [JSON] [OPTION=…]   an activity; see options.h
//   timer DURATION                5s, 1h30m, 250ms
//   receive NAME                  the next signal of that name
//   await_cancel                  until somebody asks the run to cancel
//   now | random | uuid
//   side_effect NAME              a number that is never drawn twice
//   many N STATEMENT|BLOCK        N copies side by side, all values
//   loop N STATEMENT|BLOCK        N times, one after the other
//   go STATEMENT|BLOCK            beside what follows; nobody waits for it
//   all | settled | any           the statements below side by side; `branch`
//     STATEMENT                   with a block makes several of them one
//     branch
//       BLOCK
//   try                           on a failure of that type (or any: `*`) the
//     BLOCK                       handler goes on in its place
//   on TYPE
//     BLOCK
//   return [JSON] | fail TYPE [MESSAGE] | throw MESSAGE | log LINE
//
// Each branch gathers the values of its statements, in order: `call`,
// `receive`, `now`, `random`, `uuid` and `side_effect` add one; `many` and
// `all` a list with each branch's list; `settled` the same with {"failed":
// TYPE} for branches that failed; `any` [index, list] of the first that closed.
// A program's result is what it returns, or else its list.
//
// A failure ends the branch; `return` ends it with a value.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace anabranch::program {

struct Statement;
using Block = std::vector<Statement>;

// As written: `attempts` → `3`.
using Options = std::map<std::string, std::string, std::less<>>;

struct Call {
  std::string type;
  // JSON text.
  std::string input = "null";
  Options options;
};

struct Timer {
  absl::Duration duration;
};

struct Receive {
  std::string signal;
};

struct AwaitCancel {};

struct Draw {
  enum class Kind { kNow, kRandom, kUuid };
  Kind kind = Kind::kNow;
};

struct SideEffect {
  std::string name;
};

struct Many {
  int count = 0;
  Block body;
};

struct Loop {
  int count = 0;
  Block body;
};

struct Go {
  Block body;
};

// Branches side by side.
struct Join {
  enum class Kind { kAll, kSettled, kAny };
  Kind kind = Kind::kAll;
  std::vector<Block> branches;
};

struct Handler {
  // A failure's type, or `*`.
  std::string type;
  Block body;
};

struct Try {
  Block body;
  // The first that fits is taken.
  std::vector<Handler> handlers;
};

struct Return {
  // JSON text; empty: the branch's list.
  std::string json;
};

struct Fail {
  std::string type;
  std::string message;
};

struct Throw {
  std::string message;
};

struct Log {
  std::string line;
};

struct Statement {
  std::variant<Call, Timer, Receive, AwaitCancel, Draw, SideEffect, Many, Loop,
               Go, Join, Try, Return, Fail, Throw, Log>
      kind;
};

}  // namespace anabranch::program
