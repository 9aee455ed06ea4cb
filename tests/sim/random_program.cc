#include "tests/sim/random_program.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {
namespace {

using nlohmann::json;

constexpr int kDepthMax = 3;

class Drawer {
 public:
  explicit Drawer(World& world) : world_(world) {}

  // With what it continues as, at times.
  NodeBlock Program() {
    NodeBlock program = Block(0);
    if (!world_.Chance(0.2)) return program;
    Node node;
    node.kind = Kind::kContinue;
    left_ = std::max(left_, 5);
    node.blocks = {Program()};
    program.push_back(std::move(node));
    return program;
  }

  NodeBlock Block(int depth) {
    NodeBlock block;
    for (int64_t n = world_.Between(1, depth == 0 ? 4 : 3); n > 0; --n) {
      block.push_back(Statement(depth));
    }
    return block;
  }

 private:
  using Kind = Node::Kind;

  Node Statement(int depth) {
    if (depth >= kDepthMax || left_ <= 0 || world_.Chance(0.55)) return Leaf();
    Node node;
    if (world_.Chance(0.15)) return Child(depth);
    switch (world_.Between(0, 4)) {
      case 0:
        node.kind = Kind::kAll;
        break;
      case 1:
        node.kind = Kind::kSettled;
        break;
      case 2:
        node.kind = Kind::kAny;
        break;
      case 3:
        node.kind = Kind::kLoop;
        node.count = world_.Between(1, 3);
        node.blocks = {Block(depth + 1)};
        return node;
      default:
        node.kind = Kind::kTry;
        node.blocks = {Block(depth + 1), Block(depth + 1)};
        return node;
    }
    for (int64_t n = world_.Between(2, 4); n > 0; --n) {
      NodeBlock branch = Block(depth + 1);
      // A branch that waits for nothing would be over before others begin.
      branch.insert(branch.begin(), Leaf());
      node.blocks.push_back(std::move(branch));
    }
    return node;
  }

  // Nobody would know where to send its signals: it receives none.
  Node Child(int depth) {
    Node node;
    node.kind = Kind::kChild;
    const bool before = std::exchange(receives_, false);
    NodeBlock block = {Call()};
    for (Node& one : Block(depth + 1)) block.push_back(std::move(one));
    receives_ = before;
    node.blocks = {std::move(block)};
    return node;
  }

  Node Leaf() {
    --left_;
    Node node;
    node.id = ++last_id_;
    const double u = world_.random.NextUnit();
    if (u < 0.2) {
      node.kind = Kind::kTimer;
      node.ms = world_.Between(0, 1500);
    } else if (u < 0.35 && receives_) {
      node.kind = Kind::kReceive;
      node.signal = absl::StrCat("s", world_.Between(0, 2));
    } else {
      DrawCall(node);
    }
    return node;
  }

  Node Call() {
    --left_;
    Node node;
    node.id = ++last_id_;
    DrawCall(node);
    return node;
  }

  void DrawCall(Node& node) {
    node.kind = Kind::kCall;
    node.value = world_.Between(0, 9);
    node.ms =
        world_.Chance(0.3) ? world_.Between(200, 1500) : world_.Between(1, 100);
    const double what = world_.random.NextUnit();
    node.what = what < 0.75   ? "ok"
                : what < 0.85 ? "flaky"
                : what < 0.95 ? "bad"
                              : "big";
  }

  World& world_;
  int64_t last_id_ = 0;
  // Leaves that may still be drawn before nesting ends.
  int left_ = 14;
  // Outside of children.
  bool receives_ = true;
};

std::string LineOf(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kCall: {
      json input = {{"id", node.id},
                    {"do", node.what},
                    {"value", node.value},
                    {"ms", node.ms}};
      if (node.what == "flaky") input["fails"] = 1 + node.id % 2;
      return absl::StrCat("call work ", input.dump(),
                          " attempts=50 backoff=100ms start_to_close=8s");
    }
    case Node::Kind::kTimer:
      return absl::StrCat("timer ", absl::ToInt64Microseconds(TimerOf(node)),
                          "us");
    case Node::Kind::kReceive:
      return "receive " + node.signal;
    case Node::Kind::kLoop:
      return absl::StrCat("loop ", node.count);
    case Node::Kind::kAll:
      return "all";
    case Node::Kind::kSettled:
      return "settled";
    case Node::Kind::kAny:
      return "any";
    case Node::Kind::kTry:
      return "try";
    case Node::Kind::kChild:
      return IsAbandoned(ChildNumber(node.blocks[0])) ? "child policy=abandon"
                                                      : "child";
    case Node::Kind::kContinue:
      return "continue";
  }
  return "";
}

void Print(const NodeBlock& block, size_t indent, std::string& text) {
  const std::string margin(indent, ' ');
  for (const Node& node : block) {
    absl::StrAppend(&text, margin, LineOf(node), "\n");
    const bool branches = node.kind == Node::Kind::kAll ||
                          node.kind == Node::Kind::kSettled ||
                          node.kind == Node::Kind::kAny;
    for (size_t i = 0; i < node.blocks.size(); ++i) {
      if (branches) absl::StrAppend(&text, margin, "  branch\n");
      if (node.kind == Node::Kind::kTry && i == 1) {
        absl::StrAppend(&text, margin, "on *\n");
      }
      Print(node.blocks[i], indent + (branches ? 4 : 2), text);
    }
  }
}

void CountSignals(const NodeBlock& block, int64_t times,
                  std::map<std::string, int64_t>& counts) {
  for (const Node& node : block) {
    if (node.kind == Node::Kind::kReceive) counts[node.signal] += times;
    const int64_t inner =
        node.kind == Node::Kind::kLoop ? times * node.count : times;
    for (const NodeBlock& one : node.blocks) CountSignals(one, inner, counts);
  }
}

// Carries a program out in the mind: no order, no time.
class Evaluator {
 public:
  // False when it fails. Values gathered before a failure stay gathered.
  bool Block(const NodeBlock& block, json& values) {
    for (const Node& node : block) {
      if (!Statement(node, values)) return false;
    }
    return true;
  }
  bool confluent = true;

 private:
  bool Statement(const Node& node, json& values) {
    switch (node.kind) {
      case Node::Kind::kCall:
        if (node.what == "bad") return false;
        values.push_back({{"value", node.value * 2 + 1}});
        return true;
      case Node::Kind::kTimer:
        return true;
      case Node::Kind::kReceive:
        values.push_back(SignalValue(node.signal));
        return true;
      case Node::Kind::kLoop:
        for (int64_t i = 0; i < node.count; ++i) {
          if (!Block(node.blocks[0], values)) return false;
        }
        return true;
      case Node::Kind::kTry:
        return Block(node.blocks[0], values) || Block(node.blocks[1], values);
      case Node::Kind::kAny:
        confluent = false;
        return true;
      case Node::Kind::kChild: {
        json list = json::array();
        if (!Block(node.blocks[0], list)) return false;
        values.push_back(std::move(list));
        return true;
      }
      case Node::Kind::kContinue:
        values = json::array();
        return Block(node.blocks[0], values);
      default:
        return Branches(node, values);
    }
  }

  bool Branches(const Node& node, json& values) {
    json lists = json::array();
    bool failed = false;
    for (const NodeBlock& branch : node.blocks) {
      json list = json::array();
      const bool good = Block(branch, list);
      failed |= !good;
      lists.push_back(good ? list : json{{"failed", "bad"}});
    }
    if (failed && node.kind == Node::Kind::kAll) {
      // What other branches go on to receive is not there for later ones.
      confluent = false;
      return false;
    }
    values.push_back(lists);
    return true;
  }
};

json Stripped(const json& value) {
  if (value.is_object()) {
    json kept = value;
    kept.erase("token");
    kept.erase("pad");
    return kept;
  }
  if (!value.is_array()) return value;
  json list = json::array();
  for (const json& one : value) list.push_back(Stripped(one));
  return list;
}

}  // namespace

absl::Duration TimerOf(const Node& node) {
  return absl::Milliseconds(node.ms) + absl::Microseconds(node.id);
}

NodeBlock DrawProgram(World& world) { return Drawer(world).Program(); }

std::string TextOf(const NodeBlock& program) {
  std::string text;
  Print(program, 0, text);
  return text;
}

std::map<std::string, int64_t> SignalsOf(const NodeBlock& program) {
  std::map<std::string, int64_t> counts;
  CountSignals(program, 1, counts);
  return counts;
}

int64_t ChildNumber(const NodeBlock& program) { return program[0].id; }

int64_t ChildNumber(const std::string& text) {
  const size_t begin = text.find('{');
  const size_t end = text.find('}', begin);
  if (end == std::string::npos) return 0;
  json call = json::parse(text.substr(begin, end + 1 - begin), nullptr, false);
  return call.is_object() ? call.value("id", int64_t{0}) : 0;
}

bool IsAbandoned(int64_t child) { return child % 3 == 0; }

const NodeBlock* FindChild(const NodeBlock& program, int64_t number) {
  for (const Node& node : program) {
    for (const NodeBlock& block : node.blocks) {
      if (node.kind == Node::Kind::kChild && ChildNumber(block) == number) {
        return &block;
      }
      const NodeBlock* found = FindChild(block, number);
      if (found != nullptr) return found;
    }
  }
  return nullptr;
}

const NodeBlock* GenerationOf(const NodeBlock& program, int generation) {
  const NodeBlock* block = &program;
  for (int i = 1; i < generation; ++i) {
    if (block->back().kind != Node::Kind::kContinue) return nullptr;
    block = &block->back().blocks[0];
  }
  return block;
}

int64_t SignalValue(const std::string& name) { return 100 + name.back() - '0'; }

Outcome OutcomeOf(const NodeBlock& program) {
  Evaluator evaluator;
  json values = json::array();
  const bool good = evaluator.Block(program, values);
  return {evaluator.confluent, !good, values.dump()};
}

std::string WithoutTokens(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return Stripped(value).dump();
}

}  // namespace anabranch::sim
