// Programs as data: what a flow does, written down instead of compiled in.
//
// A program is lines; a block is the lines that stand deeper. `#` begins a
// comment line. JSON values may hold spaces, words with spaces are quoted.
//
//   call TYPE [JSON] [OPTION=…]   an activity; see options.h
//   timer DURATION                5s, 1h30m, 250ms
//   receive NAME                  the next signal of that name
//   await_cancel                  until the scope around it is cancelled: the
//                                 run's own one when somebody cancels the run
//   now | random | uuid | suggested (whether to continue as new)
//   side_effect NAME              a number that is never drawn twice
//   many N STATEMENT|BLOCK        N copies side by side, all values
//   loop N STATEMENT|BLOCK        N times, one after the other
//   go STATEMENT|BLOCK            beside what follows; nobody waits for it
//   all | settled | any | first | race
//     STATEMENT                   the statements below side by side; `branch`
//     branch                      with a block makes several of them one
//       BLOCK
//   scope NAME                    a scope below the one around it
//     BLOCK
//   shield                        a scope that nothing cancels
//     BLOCK
//   cancel NAME                   cancels the scope
//   try                           on a failure of that type (or any: `*`) the
//     BLOCK                       handler goes on in its place
//   on TYPE
//     BLOCK
//   publish NAME JSON             shown to queries, also when the run is closed
//   answer NAME [JSON]            answers queries with that, or with the
//                                 branch's list so far, until the branch ends
//   patch ID                      the new way
//     BLOCK
//   else                          the old way; may be left out
//     BLOCK
//   deprecate_patch ID
//   child [ID] [flow=NAME] [policy=terminate|abandon|request_cancel]
//         [timeout=D] [wait=started]
//     PROGRAM                     a child run; without a program below it is a
//                                 run of `flow`
//   continue                      continues as new with the program below
//     PROGRAM
//   return [JSON] | fail TYPE [MESSAGE] | throw MESSAGE | log LINE
//
// Each branch gathers the values of its statements, in order: `call`,
// `receive`, `now`, `random`, `uuid`, `suggested`, `side_effect` and `child`
// add one (`child wait=started` the child's id); `many` and `all` a list with
// each branch's list; `settled` the same with {"failed": TYPE} for branches
// that failed; `any` [index, list] of the first that closed, `race` the same
// with the others cancelled, `first` of the first that did not fail. A
// program's result is what it returns, or else its list.
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
  enum class Kind { kNow, kRandom, kUuid, kSuggested };
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
  enum class Kind { kAll, kSettled, kAny, kFirst, kRace };
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

// A named scope, or a shielded one.
struct InScope {
  // Empty: shielded.
  std::string name;
  Block body;
};

struct CancelScope {
  std::string name;
};

struct Publish {
  std::string name;
  // JSON text.
  std::string value;
};

struct Answer {
  std::string name;
  // JSON text; empty: the branch's list.
  std::string value;
};

struct Patch {
  std::string id;
  Block newer;
  Block older;
};

struct DeprecatePatch {
  std::string id;
};

struct Child {
  // May be empty.
  std::string run_id;
  // flow, policy, timeout, wait.
  Options options;
  // Of a child that carries out a program.
  Block program;
};

struct Continue {
  Block program;
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
               Go, Join, Try, InScope, CancelScope, Publish, Answer, Patch,
               DeprecatePatch, Child, Continue, Return, Fail, Throw, Log>
      kind;
};

}  // namespace anabranch::program
