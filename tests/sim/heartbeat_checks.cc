#include "tests/sim/heartbeat_checks.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/ids.h"

namespace anabranch::sim {
namespace {

using storage::v1::ActivityRecord;

// Older ones are recorded.
constexpr absl::Duration kRecordedWithin = absl::Seconds(1);

// Attempt and number of the beat that left these details; 0 for none.
std::pair<int64_t, int64_t> BeatOf(const v1::Payload& details) {
  if (details.json_text().empty()) return {0, 0};
  const auto json = nlohmann::json::parse(details.json_text());
  return {json.value("attempt", int64_t{0}), json.value("beat", int64_t{0})};
}

bool IsRunning(const ActivityRecord& record, const std::string& token) {
  return record.info().state() == api::ACTIVITY_STATE_RUNNING &&
         record.token() == token;
}

const ActivityRecord* Find(const Records& records, const std::string& token) {
  const auto parsed = TaskToken::Parse(token);
  if (!parsed.has_value()) return nullptr;
  const RunRecords* run = records.Find(parsed->activity.uid);
  if (run == nullptr) return nullptr;
  auto record = run->activities.find(parsed->activity.seq);
  return record == run->activities.end() ? nullptr : &record->second;
}

}  // namespace

void HeartbeatCheck::OnHeard(const v1::Heartbeat& heartbeat) {
  const ActivityRecord* record = Find(records_, heartbeat.token());
  if (record == nullptr || !IsRunning(*record, heartbeat.token())) return;
  world_.Count("heartbeat_heard");
  heard_[heartbeat.token()].push_back(
      {world_.clock.Steady(), BeatOf(heartbeat.details()).second});
}

void HeartbeatCheck::OnStep(const DurableStep& step) {
  CheckEnded(step);
  for (const auto& [token, beats] : heard_) {
    CheckRunning(token, beats, step.decided.steady);
  }
}

void HeartbeatCheck::CheckRunning(const std::string& token,
                                  const std::vector<Beat>& beats,
                                  absl::Duration now) {
  const ActivityRecord* record = Find(records_, token);
  if (record == nullptr || !IsRunning(*record, token)) return;
  const auto recorded = BeatOf(record->info().heartbeat_details());
  for (const Beat& beat : beats) {
    if (beat.time > now - kRecordedWithin) break;
    if (recorded < std::pair(int64_t{record->info().attempt()}, beat.number)) {
      return world_.Fail(absl::StrCat("a heartbeat of ", token,
                                      " is not recorded after a second"));
    }
  }
}

void HeartbeatCheck::CheckEnded(const DurableStep& step) {
  for (const auto& [uid, before] : step.before) {
    const RunRecords* run = step.records.Find(uid);
    for (const auto& [seq, old] : before.activities) {
      if (run != nullptr && run->activities.contains(seq) &&
          BeatOf(run->activities.at(seq).info().heartbeat_details()) <
              BeatOf(old.info().heartbeat_details())) {
        return world_.Fail("the next attempt does not get what was left");
      }
      auto heard = heard_.find(old.token());
      if (heard == heard_.end()) continue;
      if (run != nullptr && run->activities.contains(seq)) {
        const ActivityRecord& now = run->activities.at(seq);
        if (IsRunning(now, old.token())) continue;
        world_.Count("heartbeats_of_an_ended_attempt");
        if (BeatOf(now.info().heartbeat_details()) <
            std::pair(int64_t{old.info().attempt()},
                      heard->second.back().number)) {
          world_.Fail(absl::StrCat("what a heartbeat of ", old.token(),
                                   " left is lost with its attempt"));
        }
      }
      heard_.erase(heard);
    }
  }
}

}  // namespace anabranch::sim
