#include "sdk/answers.h"

#include <utility>

#include "absl/strings/str_join.h"

namespace anabranch::sdk {

int64_t AnswerTable::Add(std::string_view name, AnswerFunction function) {
  functions_[std::string(name)][++last_number_] = std::move(function);
  return last_number_;
}

void AnswerTable::Remove(std::string_view name, int64_t number) {
  auto it = functions_.find(name);
  if (it == functions_.end()) return;
  it->second.erase(number);
  if (it->second.empty()) functions_.erase(it);
}

AnswerFunction AnswerTable::Find(std::string_view name) const {
  auto it = functions_.find(name);
  if (it == functions_.end()) return nullptr;
  return it->second.rbegin()->second;
}

std::string AnswerTable::Names() const {
  if (functions_.empty()) return "none";
  return absl::StrJoin(functions_, ", ", [](std::string* out, const auto& one) {
    out->append(one.first);
  });
}

Answer::Answer(const std::shared_ptr<AnswerTable>& table, std::string_view name,
               AnswerFunction function)
    : table_(table),
      name_(name),
      number_(table->Add(name, std::move(function))) {}

Answer::Answer(Answer&& other) noexcept
    : table_(std::move(other.table_)),
      name_(std::move(other.name_)),
      number_(other.number_) {
  other.table_.reset();
}

Answer& Answer::operator=(Answer&& other) noexcept {
  if (this == &other) return *this;
  Release();
  table_ = std::move(other.table_);
  name_ = std::move(other.name_);
  number_ = other.number_;
  other.table_.reset();
  return *this;
}

void Answer::Release() {
  if (auto table = table_.lock()) table->Remove(name_, number_);
  table_.reset();
}

}  // namespace anabranch::sdk
