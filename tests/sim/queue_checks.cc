#include "tests/sim/queue_checks.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "orchestrator/log/keys.h"

namespace anabranch::sim {
namespace {

using storage::v1::ActivityRecord;
using storage::v1::TaskQueueRecord;

const std::string& QueueOf(const ActivityRecord& record) {
  return record.scheduled().options().task_queue();
}
const std::string& KeyOf(const ActivityRecord& record) {
  return record.scheduled().options().concurrency_key();
}

bool Runs(const ActivityRecord& record) {
  return record.info().state() == api::ACTIVITY_STATE_RUNNING;
}

int64_t LimitOf(const TaskQueueRecord& settings, const std::string& key) {
  auto own = settings.key_limits().find(key);
  return own != settings.key_limits().end() ? own->second
                                            : settings.default_key_limit();
}

// Attempts granted since `before`, which is null for a new activity.
int32_t GrantsSince(const ActivityRecord* before, const ActivityRecord& now) {
  return now.info().attempt() -
         (before == nullptr ? 0 : before->info().attempt());
}

// It was granted, and the grant taken back: it never reached its worker.
bool WasTakenBack(const ActivityRecord& before, const ActivityRecord* now) {
  if (!Runs(before)) return false;
  // Cancelled meanwhile, it closes at once.
  if (now == nullptr) return before.cancel_requested() && !before.accepted();
  const int32_t tries = now->info().tries() - GrantsSince(&before, *now);
  return tries < before.info().tries();
}

bool SameSettings(const TaskQueueRecord& record,
                  const v1::TaskQueueSettings& told) {
  return record.tasks_per_second() == told.tasks_per_second() &&
         record.burst() == told.burst() &&
         record.default_key_limit() == told.default_key_limit() &&
         std::equal(record.key_limits().begin(), record.key_limits().end(),
                    told.key_limits().begin(), told.key_limits().end(),
                    [&told](const auto& limit, const auto&) {
                      auto it = told.key_limits().find(limit.first);
                      return it != told.key_limits().end() &&
                             it->second == limit.second;
                    });
}

}  // namespace

const TaskQueueRecord* QueueCheck::Settings(const std::string& queue) const {
  const auto& queues = records_.contents().queues;
  auto it = queues.find(queue);
  return it == queues.end() ? nullptr : &it->second;
}

void QueueCheck::OnStep(const DurableStep& step) {
  now_ = step.decided.steady;
  for (const auto& change : step.batch.changes) {
    log::KeyParser key(change.key);
    // Inputs come before grants in a round: new limits hold for all of them.
    if (key.kind() == log::kTaskQueueKind) windows_.clear();
  }
  for (const auto& [uid, before] : step.before) {
    const RunRecords* run = step.records.Find(uid);
    if (run == nullptr) continue;
    for (const auto& [seq, old] : before.activities) {
      auto now = run->activities.find(seq);
      const bool closed = now == run->activities.end();
      if (!WasTakenBack(old, closed ? nullptr : &now->second)) continue;
      ++windows_[QueueOf(old)].given_back;
    }
  }
  for (const auto& [uid, before] : step.before) {
    const RunRecords* run = step.records.Find(uid);
    if (run == nullptr) continue;
    for (const auto& [seq, record] : run->activities) {
      auto old = before.activities.find(seq);
      const bool is_new = old == before.activities.end();
      if (GrantsSince(is_new ? nullptr : &old->second, record) > 0) {
        OnGrant(record);
      }
    }
  }
}

void QueueCheck::OnGrant(const ActivityRecord& record) {
  const TaskQueueRecord* settings = Settings(QueueOf(record));
  if (settings == nullptr) return;
  windows_[QueueOf(record)].times.push_back(now_);
  if (settings->tasks_per_second() > 0) CheckRate(QueueOf(record));
  if (!KeyOf(record).empty()) CheckKey(record);
}

void QueueCheck::CheckKey(const ActivityRecord& record) {
  const int64_t limit = LimitOf(*Settings(QueueOf(record)), KeyOf(record));
  if (limit == 0) return;
  int64_t running = 0;
  for (const auto& [uid, run] : records_.runs()) {
    running += std::count_if(
        run.activities.begin(), run.activities.end(), [&](const auto& other) {
          return Runs(other.second) &&
                 QueueOf(other.second) == QueueOf(record) &&
                 KeyOf(other.second) == KeyOf(record);
        });
  }
  world_.Count(running == limit ? "key_limit_reached" : "key_limit_free");
  if (running <= limit) return;
  world_.Fail(absl::StrCat("queue ", QueueOf(record), ": ", running,
                           " attempts of key ", KeyOf(record),
                           " run after a grant, and the limit is ", limit));
}

void QueueCheck::CheckRate(const std::string& queue) {
  const TaskQueueRecord& settings = *Settings(queue);
  const double rate = settings.tasks_per_second();
  const double burst =
      settings.burst() > 0 ? settings.burst() : std::max(1.0, rate);
  const Window& window = windows_[queue];
  // Any window that ends with the last grant.
  for (size_t i = 0; i < window.times.size(); ++i) {
    const auto granted = static_cast<double>(
        static_cast<int64_t>(window.times.size() - i) - window.given_back);
    const double seconds =
        absl::ToDoubleSeconds(window.times.back() - window.times[i]);
    if (granted <= burst + rate * seconds + 1e-6) continue;
    return world_.Fail(absl::StrCat(
        "queue ", queue, ": ", granted, " grants within ", seconds,
        " s; the limit is ", rate, " per second and ", burst, " at once"));
  }
}

void QueueCheck::OnTold(const std::vector<v1::TaskQueue>& queues) {
  static const TaskQueueRecord kNoLimits;
  for (const auto& told : queues) {
    const TaskQueueRecord* settings = Settings(told.name());
    if (!SameSettings(settings == nullptr ? kNoLimits : *settings,
                      told.settings())) {
      world_.Fail(absl::StrCat("queue ", told.name(),
                               ": its limits are not those that are durable: ",
                               told.ShortDebugString()));
    }
    int64_t running = 0;
    for (const auto& [uid, run] : records_.runs()) {
      running += std::count_if(
          run.activities.begin(), run.activities.end(), [&](const auto& one) {
            return Runs(one.second) && QueueOf(one.second) == told.name();
          });
    }
    if (running != told.running()) {
      world_.Fail(absl::StrCat("queue ", told.name(), ": ", told.running(),
                               " tasks are said to run, and ", running, " do"));
    }
  }
}

}  // namespace anabranch::sim
