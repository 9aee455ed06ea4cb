#include "tests/sim/judges.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace anabranch::sim {

using nlohmann::json;

std::string Told(const v1::Run& run, const std::string& result) {
  return absl::StrCat("it ended ", v1::RunState_Name(run.state()), " ", result,
                      " ", run.failure().ShortDebugString());
}

Judge Completes(int64_t value) {
  return [value](const v1::Run& run, const std::string& result) {
    bool good = run.state() == v1::RUN_STATE_COMPLETED &&
                json::parse(result).value("value", int64_t{0}) == value;
    return good ? "" : absl::StrCat(Told(run, result), ", not ", value);
  };
}

Judge Ends(v1::RunState state) {
  return [state](const v1::Run& run, const std::string& result) {
    return run.state() == state ? "" : Told(run, result);
  };
}

Judge Fails(std::vector<std::string> types) {
  return [types = std::move(types)](const v1::Run& run,
                                    const std::string& result) {
    const bool good = run.state() == v1::RUN_STATE_FAILED &&
                      std::find(types.begin(), types.end(),
                                run.failure().type()) != types.end();
    return good ? std::string() : Told(run, result);
  };
}

Judge Either(Judge one, Judge other) {
  return [one = std::move(one), other = std::move(other)](
             const v1::Run& run, const std::string& result) {
    std::string wrong = one(run, result);
    return wrong.empty() ? wrong : other(run, result);
  };
}

json DrawWork(World& world, int64_t value) {
  json work = {{"do", "ok"}, {"value", value}};
  work["ms"] =
      world.Chance(0.4) ? world.Between(300, 3000) : world.Between(1, 200);
  if (world.Chance(0.3)) {
    work["do"] = "flaky";
    work["fails"] = world.Between(1, 3);
  }
  return work;
}

}  // namespace anabranch::sim
