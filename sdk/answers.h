// Answers: what a flow answers to queries.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "anabranch/v1/payload.pb.h"

namespace anabranch::sdk {

// From a query's input to its answer. Runs between two activations: it may
// look at the flow's variables, must not change them, and whatever it asks of
// the FlowContext has no effect.
using AnswerFunction = std::function<absl::StatusOr<anabranch::v1::Payload>(
    const anabranch::v1::Payload& input)>;

// Handlers by name. Under its flow's role.
class AnswerTable {
 public:
  // Returns the handler's number, for Remove.
  int64_t Add(std::string_view name, AnswerFunction function);
  void Remove(std::string_view name, int64_t number);
  // The newest of that name; null when there is none. A copy: the handler may
  // be removed while it runs.
  AnswerFunction Find(std::string_view name) const;
  // "a, b", or "none".
  std::string Names() const;

 private:
  std::map<std::string, std::map<int64_t, AnswerFunction>, std::less<>>
      functions_;
  int64_t last_number_ = 0;
};

// A handler's registration: it answers until this is destroyed. May outlive
// the flow that it belongs to.
class [[nodiscard]] Answer {
 public:
  Answer() = default;
  Answer(const std::shared_ptr<AnswerTable>& table, std::string_view name,
         AnswerFunction function);
  ~Answer() { Release(); }
  Answer(Answer&& other) noexcept;
  Answer& operator=(Answer&& other) noexcept;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

 private:
  void Release();

  std::weak_ptr<AnswerTable> table_;
  std::string name_;
  int64_t number_ = 0;
};

}  // namespace anabranch::sdk
