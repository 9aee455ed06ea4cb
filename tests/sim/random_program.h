// Random programs: nested blocks of calls, timers, signals and branches, in the
// words of tests/program, which carries them out as a flow.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

struct Node;
using NodeBlock = std::vector<Node>;

// One statement. The oracle reads this; the flow reads its text.
struct Node {
  enum class Kind {
    kCall,
    kTimer,
    kReceive,
    kLoop,
    kAll,
    kSettled,
    kAny,
    kTry,
    // A child run of the block, which begins with a call.
    kChild,
    // Continues as new with the block. Only at the end of a whole program.
    kContinue,
  };
  Kind kind = Kind::kCall;
  // Of a call or timer; unique in its program.
  int64_t id = 0;
  // Of a call: what the task does, and its value.
  std::string what = {};
  int64_t value = 0;
  int64_t ms = 0;
  // Of a receive.
  std::string signal = {};
  // Of a loop.
  int64_t count = 0;
  // Branches; the body of a loop, a child or what continues; body and handler
  // of a try.
  std::vector<NodeBlock> blocks = {};
};

// The wait of a timer: no two of a program are alike.
absl::Duration TimerOf(const Node& node);

// A program drawn at random, some 3 to 25 statements.
NodeBlock DrawProgram(World& world);
// Its text, as tests/program/ast.h describes it.
std::string TextOf(const NodeBlock& program);
// How often it receives each signal at most.
std::map<std::string, int64_t> SignalsOf(const NodeBlock& program);
// The number of a child whose program this is: its first call's.
int64_t ChildNumber(const NodeBlock& program);
int64_t ChildNumber(const std::string& text);
// Whether that child is left alone when its parent ends.
bool IsAbandoned(int64_t child);
// The child of that number in a program; null when it has none.
const NodeBlock* FindChild(const NodeBlock& program, int64_t number);
// What that generation of a run carries out, from 1; null when there is none.
const NodeBlock* GenerationOf(const NodeBlock& program, int generation);
// The value that every signal of this name carries.
int64_t SignalValue(const std::string& name);

// What a program must come to whatever happens to it and in whichever order;
// of no use for programs that race.
struct Outcome {
  bool confluent = true;
  bool failed = false;
  // Its list as JSON, results without tokens and padding.
  std::string json = {};
};
Outcome OutcomeOf(const NodeBlock& program);
// The same of what a run said.
std::string WithoutTokens(const std::string& json);

}  // namespace anabranch::sim
