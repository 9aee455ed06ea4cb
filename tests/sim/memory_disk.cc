#include <memory>
#include <optional>
#include <utility>

#include "tests/sim/disk.h"

namespace anabranch::sim {
namespace {

class InMemory : public Disk {
 public:
  log::EventLog& log() override { return log_; }

  log::AppendResult Hold(log::AppendRequest request, Trouble trouble) override {
    using log::AppendResult;
    if (trouble == Trouble::kAppendFails) {
      log_.FailNextAppend(AppendResult::kUnknown, /*durable=*/false);
    } else if (trouble == Trouble::kAnswerLost) {
      log_.FailNextAppend(AppendResult::kUnknown, /*durable=*/true);
      landed_ = true;
    } else if (trouble == Trouble::kFenced) {
      log::AppendRequest rival;
      rival.lease_epoch = request.lease_epoch + 1;
      log_.Append(std::move(rival), [](AppendResult) {});
    }
    // Shared: a batch that waits is answered from Sync, long after.
    auto refused = std::make_shared<std::optional<AppendResult>>();
    log_.Append(std::move(request), [refused](AppendResult result) {
      if (result != AppendResult::kDurable) *refused = result;
    });
    holds_ = !refused->has_value();
    return refused->value_or(AppendResult::kDurable);
  }

  void Sync() override {
    log_.Sync();
    holds_ = false;
  }

  bool Crash(bool keep) override {
    const bool survives = holds_ && keep;
    log_.CrashAndReopen(survives ? INT32_MAX : 0);
    holds_ = false;
    return std::exchange(landed_, false) || survives;
  }

  void SetFreeBytes(int64_t bytes) override { log_.SetFreeBytes(bytes); }

  Backup Copy() override { return {log_.Durable(), log_.epoch().counter}; }
  void Restore(const Backup& backup) override {
    log_.RestoreBackup(backup.contents, backup.epoch_counter);
    holds_ = false;
    landed_ = false;
  }

 private:
  log::MemoryEventLog log_{{.hold_until_sync = true}};
  bool holds_ = false;
  bool landed_ = false;
};

}  // namespace

std::unique_ptr<Disk> MemoryDisk(World&) {
  return std::make_unique<InMemory>();
}

}  // namespace anabranch::sim
