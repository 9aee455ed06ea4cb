#include "tests/sim/rocks_disk.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "orchestrator/log/lossy_file_system.h"
#include "orchestrator/log/rocksdb_event_log.h"
#include "tests/support/temp_folder.h"

namespace anabranch::sim {
namespace {

using log::AppendResult;

class Rocks : public Disk {
 public:
  explicit Rocks(World& world)
      : world_(world),
        folder_(*support::TempFolder::Create()),
        files_(std::make_shared<log::LossyFileSystem>()),
        random_(world.random.Next()) {
    Open();
  }

  log::EventLog& log() override { return *log_; }

  AppendResult Hold(log::AppendRequest request, Trouble trouble) override {
    Remember(request.batch);
    if (trouble == Trouble::kNone) {
      waiting_ = std::move(request);
      return AppendResult::kDurable;
    }
    if (trouble == Trouble::kFenced) {
      log::AppendRequest rival;
      rival.lease_epoch = request.lease_epoch + 1;
      Append(std::move(rival));
    } else if (trouble == Trouble::kAppendFails) {
      files_->Stop();
    } else {
      files_->StopAtNextSync();
      torn_bytes_ = kAll;
    }
    return Append(std::move(request));
  }

  void Sync() override {
    if (!waiting_.has_value()) return;
    AppendResult result = Append(*std::exchange(waiting_, std::nullopt));
    if (result != AppendResult::kDurable) world_.Fail("a sound write failed");
    final_.clear();
  }

  bool Crash(bool keep) override {
    if (waiting_.has_value()) {
      files_->StopAtNextSync();
      Append(*std::exchange(waiting_, std::nullopt));
      // All of it, or the beginning: a torn tail.
      torn_bytes_ = keep ? kAll : world_.Between(0, 200);
    }
    files_->Stop();
    log_.reset();
    files_->LoseUnsynced(std::exchange(torn_bytes_, 0));
    Open();
    return WhetherThere();
  }

  void SetFreeBytes(int64_t) override {}
  Backup Copy() override { return {}; }
  void Restore(const Backup&) override {
    world_.Fail("this world has no backups");
  }

 private:
  static constexpr int64_t kAll = int64_t{1} << 40;
  using Values = std::map<std::string, std::optional<std::string>>;

  void Open() {
    log::RocksDbOptions options;
    options.path = folder_.path() + "/store";
    options.random = &random_;
    options.file_system = files_;
    auto log = log::RocksDbEventLog::Open(options);
    AB_CHECK_MSG(log.ok(), std::string(log.status().message()));
    log_ = *std::move(log);
  }

  AppendResult Append(log::AppendRequest request) {
    std::optional<AppendResult> answer;
    log_->Append(std::move(request),
                 [&answer](AppendResult result) { answer = result; });
    AB_CHECK(answer.has_value());
    return *answer;
  }

  // Keys that the batch changes, before and after it.
  void Remember(const log::WriteBatch& batch) {
    before_.clear();
    final_.clear();
    for (const auto& change : batch.changes) {
      auto value = log_->Read(change.key);
      AB_CHECK(value.ok());
      before_[change.key] = *std::move(value);
      final_[change.key] = change.value;
    }
  }

  // Whether the batch that was remembered is there: all of it or nothing.
  bool WhetherThere() {
    bool some = false;
    bool all = true;
    for (const auto& [key, value] : final_) {
      if (before_[key] == value) continue;
      auto now = log_->Read(key);
      AB_CHECK(now.ok());
      some |= *now == value;
      all &= *now == value;
    }
    if (some && !all) world_.Fail("half of a batch survived a crash");
    final_.clear();
    return some;
  }

  World& world_;
  support::TempFolder folder_;
  std::shared_ptr<log::LossyFileSystem> files_;
  SeededRandom random_;
  std::unique_ptr<log::RocksDbEventLog> log_;
  std::optional<log::AppendRequest> waiting_;
  Values before_;
  Values final_;
  int64_t torn_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Disk> RocksDisk(World& world) {
  return std::make_unique<Rocks>(world);
}

}  // namespace anabranch::sim
