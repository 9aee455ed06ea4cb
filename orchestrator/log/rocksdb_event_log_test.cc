#include "orchestrator/log/rocksdb_event_log.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "anabranch/storage/v1/records.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "orchestrator/log/keys.h"
#include "orchestrator/log/lossy_file_system.h"
#include "orchestrator/log/record.h"
#include "rocksdb/db.h"

namespace anabranch::log {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Opens a store in a folder of its own, writes numbered batches to it, and
// knows which were acknowledged.
class RocksDbEventLogTest : public ::testing::Test {
 protected:
  RocksDbEventLogTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = ::testing::TempDir() + "/" + info->name();
    options_.path = folder_;
    StartOver();
  }

  // An empty disk.
  void StartOver() {
    log_.reset();
    std::filesystem::remove_all(folder_);
    disk_ = std::make_shared<LossyFileSystem>();
    options_.file_system = disk_;
  }

  absl::Status Open() {
    log_.reset();
    absl::StatusOr<std::unique_ptr<RocksDbEventLog>> log =
        RocksDbEventLog::Open(options_);
    if (!log.ok()) return log.status();
    log_ = *std::move(log);
    position_ = 0;
    return absl::OkStatus();
  }

  AppendResult Append(int number, std::string value) {
    AppendRequest request;
    request.lease_epoch = log_->epoch().counter;
    request.expected_position = position_++;
    request.batch.changes = {{Key(number), std::move(value)},
                             {Key(number) + "b", "second"}};
    std::optional<AppendResult> answer;
    log_->Append(std::move(request),
                 [&answer](AppendResult result) { answer = result; });
    return answer.value();
  }
  void AppendAll(int first, int last) {
    for (int number = first; number <= last; ++number) {
      ASSERT_EQ(Append(number, Value(number)), AppendResult::kDurable);
    }
  }

  static std::string Key(int number) {
    return KeyBuilder("zz").Number(number).Take();
  }
  // Incompressible, so that offsets in a log are where a test expects them.
  static std::string Value(int number) {
    SeededRandom random(static_cast<uint64_t>(number));
    std::string value;
    while (value.size() < 400) value += RandomHexId(random);
    return value;
  }
  // Whole or absent; anything else fails the test.
  bool Has(int number) {
    auto first = log_->Read(Key(number)).value();
    auto second = log_->Read(Key(number) + "b").value();
    EXPECT_EQ(first.has_value(), second.has_value()) << number;
    return first.has_value();
  }
  int CountOf(int first, int last) {
    int count = 0;
    for (int number = first; number <= last; ++number) count += Has(number);
    return count;
  }

  void Crash(int64_t torn_bytes = 0) {
    disk_->Stop();
    log_.reset();
    disk_->LoseUnsynced(torn_bytes);
  }

  // The newest write-ahead log.
  std::string WalPath() {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      std::string path = entry.path().string();
      if (path.ends_with(".log")) newest = std::max(newest, path);
    }
    return newest;
  }
  static std::string ReadFile(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string content(std::filesystem::file_size(path), '\0');
    in.read(content.data(), static_cast<std::streamsize>(content.size()));
    return content;
  }
  static void WriteAt(const std::string& path, size_t at,
                      const std::string& bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
    ASSERT_TRUE(file.good());
  }
  static void FlipByte(const std::string& path, size_t at) {
    std::string content = ReadFile(path);
    WriteAt(path, at, std::string(1, static_cast<char>(content[at] ^ 0x10)));
  }
  // Where the zeros at the end of a log begin.
  static size_t EndOf(const std::string& wal) {
    return ReadFile(wal).find_last_not_of('\0') + 1;
  }

  std::shared_ptr<LossyFileSystem> disk_;
  std::string folder_;
  RocksDbOptions options_;
  std::unique_ptr<RocksDbEventLog> log_;
  int64_t position_ = 0;
};

TEST_F(RocksDbEventLogTest, AcknowledgedBatchesSurviveACrash) {
  ASSERT_TRUE(Open().ok());
  AppendAll(1, 50);
  Crash();
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(CountOf(1, 50), 50);
  AppendAll(51, 60);
  Crash();
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(CountOf(1, 60), 60);
}

// The test above can fail: it does as soon as writes are not synced.
TEST_F(RocksDbEventLogTest, WithoutSyncACrashLosesAcknowledgedBatches) {
  options_.sync = false;
  ASSERT_TRUE(Open().ok());
  AppendAll(1, 50);
  Crash();
  ASSERT_TRUE(Open().ok());
  EXPECT_LT(CountOf(1, 50), 50);
}

TEST_F(RocksDbEventLogTest, ATornTailOpensWithAllThatWasAcknowledged) {
  for (int64_t torn : {0, 1, 6, 7, 8, 100, 300, 100'000}) {
    SCOPED_TRACE(torn);
    StartOver();
    ASSERT_TRUE(Open().ok());
    AppendAll(1, 20);
    disk_->StopAtNextSync();
    ASSERT_EQ(Append(21, Value(21)), AppendResult::kUnknown);
    EXPECT_FALSE(log_->last_failure().ok());
    Crash(torn);
    absl::Status opened = Open();
    ASSERT_TRUE(opened.ok()) << opened;
    EXPECT_EQ(CountOf(1, 20), 20);
    EXPECT_EQ(Has(21), torn == 100'000);
    AppendAll(22, 30);
    Crash();
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(CountOf(22, 30), 9);
  }
}

TEST_F(RocksDbEventLogTest, ATornLargeBatchOpens) {
  std::string large;
  SeededRandom random(5);
  while (large.size() < 200'000) large += RandomHexId(random);
  for (int64_t torn : {1'000, 40'000, 70'000}) {
    SCOPED_TRACE(torn);
    StartOver();
    ASSERT_TRUE(Open().ok());
    AppendAll(1, 20);
    disk_->StopAtNextSync();
    ASSERT_EQ(Append(21, large), AppendResult::kUnknown);
    Crash(torn);
    absl::Status opened = Open();
    ASSERT_TRUE(opened.ok()) << opened;
    EXPECT_EQ(CountOf(1, 21), 20);
  }
}

// Pages of one write may reach the disk in any order.
TEST_F(RocksDbEventLogTest, ATornLargeBatchWithoutItsFirstPagesOpens) {
  std::string large;
  SeededRandom random(5);
  while (large.size() < 200'000) large += RandomHexId(random);
  ASSERT_TRUE(Open().ok());
  AppendAll(1, 20);
  std::string wal = WalPath();
  size_t end = EndOf(wal);
  disk_->StopAtNextSync();
  ASSERT_EQ(Append(21, large), AppendResult::kUnknown);
  Crash(1'000'000);
  WriteAt(wal, end, std::string(40'000, '\0'));
  absl::Status opened = Open();
  ASSERT_TRUE(opened.ok()) << opened;
  EXPECT_EQ(CountOf(1, 21), 20);
}

TEST_F(RocksDbEventLogTest, AFlippedByteBeforeTheTailIsRefusedByFileAndOffset) {
  ASSERT_TRUE(Open().ok());
  AppendAll(1, 10);
  size_t tenth = EndOf(WalPath());
  AppendAll(11, 20);
  std::string wal = WalPath();
  Crash();
  std::string before = ReadFile(wal);
  FlipByte(wal, tenth + 50);
  for (int attempt = 0; attempt < 2; ++attempt) {
    absl::Status opened = Open();
    EXPECT_EQ(opened.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(opened.message()),
                AllOf(HasSubstr(wal),
                      HasSubstr("at byte " + std::to_string(tenth) + ":")));
  }
  // Nothing was changed: repaired, it opens with everything.
  FlipByte(wal, tenth + 50);
  EXPECT_TRUE(ReadFile(wal) == before);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(CountOf(1, 20), 20);
}

TEST_F(RocksDbEventLogTest, AnyFlippedByteBeforeTheLastBatchIsRefused) {
  ASSERT_TRUE(Open().ok());
  AppendAll(1, 3);
  size_t start = EndOf(WalPath());
  AppendAll(4, 4);
  size_t end = EndOf(WalPath());
  AppendAll(5, 6);
  std::string wal = WalPath();
  Crash();
  for (size_t at = start; at < end; at += at < start + 8 ? 1 : 61) {
    FlipByte(wal, at);
    EXPECT_EQ(Open().code(), absl::StatusCode::kDataLoss) << at;
    FlipByte(wal, at);
  }
  EXPECT_TRUE(Open().ok());
}

TEST_F(RocksDbEventLogTest, ZerosWhereBatchesWereAreRefused) {
  ASSERT_TRUE(Open().ok());
  AppendAll(1, 10);
  size_t tenth = EndOf(WalPath());
  AppendAll(11, 300);
  std::string wal = WalPath();
  Crash();
  ASSERT_GT(EndOf(wal), 70'000u);
  // Up to the end of a block, which RocksDB takes for padding.
  WriteAt(wal, tenth, std::string(65'536 - tenth, '\0'));
  absl::Status opened = Open();
  EXPECT_EQ(opened.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(opened.message()),
              HasSubstr("at byte " + std::to_string(tenth) + ":"));
}

TEST_F(RocksDbEventLogTest, EachOpeningIsANewEpoch) {
  SeededRandom random(3);
  options_.random = &random;
  ASSERT_TRUE(Open().ok());
  Epoch first = log_->epoch();
  EXPECT_EQ(first.counter, 1u);
  Crash();
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(log_->epoch().counter, 2u);
  EXPECT_NE(log_->epoch().nonce, first.nonce);
}

TEST_F(RocksDbEventLogTest, TheOpeningWriteIsBetweenItsHooks) {
  std::vector<std::string> calls;
  options_.before_opening_write = [&] { calls.emplace_back("before"); };
  options_.after_opening_write = [&] { calls.emplace_back("after"); };
  ASSERT_TRUE(Open().ok());
  EXPECT_THAT(calls, ::testing::ElementsAre("before", "after"));
}

TEST_F(RocksDbEventLogTest, ANewerFormatIsRefusedNamingTheVersionNeeded) {
  ASSERT_TRUE(Open().ok());
  storage::v1::StoreRecord record;
  record.set_format_version(kFormatVersion + 1);
  record.set_created_by("7.3.0");
  AppendRequest request;
  std::string key(kStoreKind);
  request.batch.changes = {{key, WrapRecord(key, record.SerializeAsString())}};
  AppendResult result = AppendResult::kUnknown;
  log_->Append(std::move(request), [&](AppendResult r) { result = r; });
  ASSERT_EQ(result, AppendResult::kDurable);
  absl::Status opened = Open();
  EXPECT_EQ(opened.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.message()),
              AllOf(HasSubstr(folder_), HasSubstr("anabranch 7.3.0 or newer")));
}

TEST_F(RocksDbEventLogTest, AFolderInUseIsRefusedNamingTheHolder) {
  ASSERT_TRUE(Open().ok());
  absl::Status second = RocksDbEventLog::Open(options_).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()),
              AllOf(HasSubstr("process " + std::to_string(getpid())),
                    HasSubstr(folder_ + "/anabranch.lock")));
  AppendAll(1, 3);
  EXPECT_TRUE(Open().ok());
}

TEST_F(RocksDbEventLogTest, APlainFileIsNoFolder) {
  std::ofstream(folder_) << "text";
  for (const std::string& path : {folder_, folder_ + "/below"}) {
    options_.path = path;
    absl::Status opened = Open();
    EXPECT_EQ(opened.code(), absl::StatusCode::kFailedPrecondition) << opened;
    EXPECT_THAT(std::string(opened.message()), HasSubstr("not a folder"));
  }
}

TEST_F(RocksDbEventLogTest, AFolderThatCannotBeMadeIsUnwritable) {
  // Nobody, not even root, makes folders there.
  options_.path = "/proc/anabranch";
  absl::Status opened = Open();
  EXPECT_EQ(opened.code(), absl::StatusCode::kPermissionDenied) << opened;
  EXPECT_THAT(std::string(opened.message()), HasSubstr("/proc/anabranch"));
  options_.path = "/proc/self";
  EXPECT_EQ(Open().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(RocksDbEventLogTest, SomebodyElsesDatabaseIsRefused) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, folder_, &db).ok());
  std::unique_ptr<rocksdb::DB> owned(db);
  ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "theirs", "1").ok());
  owned.reset();
  absl::Status opened = Open();
  EXPECT_EQ(opened.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.message()), HasSubstr("did not make"));
}

TEST_F(RocksDbEventLogTest, ADamagedManifestIsDataLoss) {
  ASSERT_TRUE(Open().ok());
  AppendAll(1, 3);
  log_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) {
      FlipByte(entry.path().string(), 20);
    }
  }
  EXPECT_EQ(Open().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RocksDbEventLogTest, AfterAFailedWriteNothingIsAcknowledged) {
  ASSERT_TRUE(Open().ok());
  AppendAll(1, 3);
  disk_->StopAtNextSync();
  EXPECT_EQ(Append(4, Value(4)), AppendResult::kUnknown);
  EXPECT_EQ(Append(5, Value(5)), AppendResult::kUnknown);
  Crash();
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(CountOf(1, 5), 3);
}

TEST_F(RocksDbEventLogTest, FreeBytesAreThoseOfTheDisk) {
  ASSERT_TRUE(Open().ok());
  auto space = std::filesystem::space(folder_);
  EXPECT_GT(log_->FreeBytes(), 0);
  EXPECT_LE(log_->FreeBytes(), static_cast<int64_t>(space.capacity));
}

TEST_F(RocksDbEventLogTest, LogsHaveTheirSizeFromTheStart) {
  options_.file_system = nullptr;
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(std::filesystem::file_size(WalPath()), 64u << 20);
  AppendAll(1, 3);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(CountOf(1, 3), 3);
}

}  // namespace
}  // namespace anabranch::log
