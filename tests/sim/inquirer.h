// Inquirer: somebody who asks runs how they stand, at any time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/operators.h"

namespace anabranch::sim {

// Asks sequences for their value: it must be one that the flow had between the
// question and the answer, by what is durable.
class Inquirer : public Operator {
 public:
  using Operator::Operator;

  void Begin() override;

 private:
  void AskAny();
  void AskSequence(const RunRecords& run);
  // A question that must be refused for this reason.
  void AskInVain(const log::RunName& name, const std::string& query,
                 const std::string& reason);
  // `known`: activities that had completed when it was asked.
  void CheckAnswer(const log::RunName& name, size_t known,
                   const absl::StatusOr<shard::QueryAnswer>& answer);
};

}  // namespace anabranch::sim
