#include "orchestrator/shard/flow_crashes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "orchestrator/core/payloads.h"

namespace anabranch::shard {
namespace {

using anabranch::v1::HistoryEvent;
using storage::v1::FlowCrashRecord;

// Of a first event: the same whenever somebody tries this start again.
FlowPlace StartPlace(const HistoryEvent& event) {
  const auto& started = event.run_started();
  const std::string hash = Sha256Hex(
      absl::StrCat(started.flow(), "\n", started.input().SerializeAsString()));
  return {Uid::FromHex(hash.substr(0, 16)).value_or(Uid{}), 1};
}

FlowPlace PlaceOf(Uid uid, const HistoryEvent& event) {
  if (event.has_run_started()) return StartPlace(event);
  return {uid, event.event_id()};
}

}  // namespace

absl::StatusOr<std::optional<FlowCrashRecord>> CountFlowDeath(
    log::StoreReader& store, FlowSlot& slot) {
  if (!slot.found().has_value()) return std::optional<FlowCrashRecord>();
  const FlowSlot::Mark& mark = *slot.found();
  FlowCrashRecord record;
  record.set_uid(mark.place.uid.value);
  record.set_event_id(mark.place.event_id);
  record.set_build_id(mark.build_id);
  record.set_deaths(1);
  ASSIGN_OR_RETURN(auto known,
                   store.ReadFlowCrash(mark.place.uid, mark.place.event_id));
  if (known.has_value() && known->build_id() == mark.build_id) {
    record.set_deaths(known->deaths() + 1);
  }
  if (mark.deaths != 0) record.set_deaths(mark.deaths);
  slot.SetDeaths(record.deaths());
  return std::optional<FlowCrashRecord>(std::move(record));
}

absl::Status FlowCrashes::Recover(log::StoreReader& store) {
  ASSIGN_OR_RETURN(auto records, store.ReadFlowCrashes());
  for (auto& record : records) {
    FlowPlace place{Uid{record.uid()}, record.event_id()};
    records_[place] = std::move(record);
  }
  return absl::OkStatus();
}

void FlowCrashes::Switch(Uid uid, const log::RunName& name,
                         const std::string& flow) {
  if (uid == current_) return;
  current_ = uid;
  if (slot_ == nullptr) return;
  slot_->Describe(
      absl::StrCat("run ", name.ns, "/", name.run_id, " (flow ", flow, ")"));
}

void FlowCrashes::Enter(const HistoryEvent& event) {
  if (slot_ == nullptr && records_.empty()) return;
  EnterPlace(PlaceOf(current_, event));
}

void FlowCrashes::EnterQuery() { EnterPlace({current_, 0}); }

void FlowCrashes::EnterEviction() {
  EnterPlace({current_, FlowPlace::kEviction});
}

void FlowCrashes::EnterPlace(FlowPlace place) {
  place_ = place;
  if (slot_ != nullptr) slot_->Enter(place);
}

void FlowCrashes::Leave() {
  if (slot_ != nullptr) slot_->Leave();
  const bool counted_as_a_whole =
      place_.event_id == 0 || place_.event_id == FlowPlace::kEviction;
  if (records_.empty() || counted_as_a_whole) return;
  if (records_.erase(place_) > 0) forgotten_.push_back(place_);
}

bool FlowCrashes::IsDeadly(const FlowCrashRecord& record) const {
  return record.deaths() >= limits::kFlowDeathsMax &&
         record.build_id() == build_id_;
}

const FlowCrashRecord* FlowCrashes::FindDeadly(
    Uid uid, const HistoryEvent* started) const {
  if (records_.empty()) return nullptr;
  for (auto it = records_.upper_bound({uid, 0});
       it != records_.end() && it->first.uid == uid; ++it) {
    if (IsDeadly(it->second)) return &it->second;
  }
  if (started == nullptr) return nullptr;
  auto it = records_.find(StartPlace(*started));
  return it != records_.end() && IsDeadly(it->second) ? &it->second : nullptr;
}

const FlowCrashRecord* FlowCrashes::FindDeadlyQuery(Uid uid) const {
  auto it = records_.find({uid, 0});
  return it != records_.end() && IsDeadly(it->second) ? &it->second : nullptr;
}

std::vector<Uid> FlowCrashes::DeadlyRuns() const {
  std::vector<Uid> uids;
  for (const auto& [place, record] : records_) {
    if (place.event_id != 0 && IsDeadly(record)) uids.push_back(place.uid);
  }
  return uids;
}

std::optional<FlowCrashRecord> FlowCrashes::HandOn(Uid uid, Uid next) {
  auto it = records_.find({uid, FlowPlace::kEviction});
  if (it == records_.end()) return std::nullopt;
  FlowCrashRecord record = it->second;
  record.set_uid(next.value);
  records_[{next, FlowPlace::kEviction}] = record;
  return record;
}

void FlowCrashes::Forget(Uid uid) {
  auto first = records_.lower_bound({uid, 0});
  auto last = first;
  for (; last != records_.end() && last->first.uid == uid; ++last) {
    forgotten_.push_back(last->first);
  }
  records_.erase(first, last);
}

std::vector<FlowPlace> FlowCrashes::TakeForgotten() {
  return std::exchange(forgotten_, {});
}

std::string CrashReport(const FlowCrashRecord& record) {
  const FlowPlace place{Uid{record.uid()}, record.event_id()};
  return absl::StrCat(
      "the flow took the server down ", record.deaths(),
      " times while it worked on ", WorkAt(place), " (build ",
      record.build_id(),
      "): it crashed, or did not come back within the watchdog's time. Run a "
      "build in which that is mended, or terminate the run");
}

}  // namespace anabranch::shard
