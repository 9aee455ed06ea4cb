#include "tests/sim/inquirer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"

namespace anabranch::sim {
namespace {

int64_t ValueIn(const std::string& json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  return parsed.is_object() ? parsed.value("value", int64_t{-1}) : -1;
}

// The values that a sequence has had, in order: one at first, then the result
// of each activity.
std::vector<int64_t> ValuesOf(const RunRecords& run) {
  std::vector<int64_t> values = {1};
  for (const auto& activation : run.history) {
    const auto& event = activation.events(0);
    if (event.has_activity_completed()) {
      values.push_back(
          ValueIn(event.activity_completed().result().json_text()));
    }
  }
  return values;
}

}  // namespace

void Inquirer::Begin() {
  Every(absl::Milliseconds(300), [this] {
    if (world().Happens(Fault::kQuery)) AskAny();
  });
}

void Inquirer::AskAny() {
  std::vector<const RunRecords*> sequences;
  for (const auto& [uid, run] : parts_.records.runs()) {
    // Closed ones, too: they answer what they published last.
    if (run.fold.run.flow() == "sequence") sequences.push_back(&run);
  }
  if (world().Chance(0.1)) {
    return AskInVain({"default", "nobody"}, "value", "RUN_NOT_FOUND");
  }
  if (sequences.empty()) return;
  const RunRecords& run = *sequences[static_cast<size_t>(
      world().Between(0, static_cast<int64_t>(sequences.size()) - 1))];
  if (world().Chance(0.1)) {
    return AskInVain({"default", run.fold.run.run_id()}, "colour",
                     "QUERY_NOT_FOUND");
  }
  world().Count(run.ended ? "query_of_closed" : "query_of_open");
  AskSequence(run);
}

void Inquirer::AskSequence(const RunRecords& run) {
  const log::RunName name = {"default", run.fold.run.run_id()};
  Asker::Request request;
  request.once = true;
  request.make = [this, name,
                  known = ValuesOf(run).size()](const Asker::Reply& reply) {
    return shard::QueryRun{
        name,
        "value",
        {},
        [this, name, known,
         reply](const absl::StatusOr<shard::QueryAnswer>& answer) {
          CheckAnswer(name, known, answer);
          reply(answer.status());
        }};
  };
  asker_.Ask(std::move(request));
}

void Inquirer::AskInVain(const log::RunName& name, const std::string& query,
                         const std::string& reason) {
  Asker::Request request;
  request.once = true;
  request.make = [name, query](const Asker::Reply& reply) {
    return shard::QueryRun{
        name,
        query,
        {},
        [reply](const absl::StatusOr<shard::QueryAnswer>& answer) {
          reply(answer.status());
        }};
  };
  request.leaves = [this, reason](const absl::Status& status) {
    const bool void_now =
        world().restores > 0 && ErrorReason(status) == "RUN_NOT_FOUND";
    if (ErrorReason(status) == reason || void_now) return;
    world().Fail(absl::StrCat("a query was to be refused with ", reason, ": ",
                              status.ToString()));
  };
  asker_.Ask(std::move(request));
}

void Inquirer::CheckAnswer(const log::RunName& name, size_t known,
                           const absl::StatusOr<shard::QueryAnswer>& answer) {
  if (!answer.ok()) {
    if (world().restores > 0 &&
        ErrorReason(answer.status()) == "RUN_NOT_FOUND") {
      return;
    }
    return world().Fail(absl::StrCat("a query was refused: ", name.run_id, ": ",
                                     answer.status().ToString()));
  }
  const RunRecords* run = parts_.records.Find(name);
  if (run == nullptr) return world().Fail("an answer of no durable run");
  const int64_t value = ValueIn(answer->result.json_text());
  const std::vector<int64_t> values = ValuesOf(*run);
  world().Count(answer->published ? "query_published" : "query_live");
  // After a restore the run may be where it was before.
  const size_t first =
      world().restores > 0 ? 0 : std::min(known, values.size()) - 1;
  if (std::find(values.begin() + static_cast<int64_t>(first), values.end(),
                value) == values.end()) {
    world().Fail(absl::StrCat("run ", name.run_id, " answers ", value,
                              ", a value that it did not have"));
  }
}

}  // namespace anabranch::sim
