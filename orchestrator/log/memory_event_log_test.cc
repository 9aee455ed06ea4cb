#include "orchestrator/log/memory_event_log.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anabranch::log {
namespace {

using ::testing::ElementsAre;

// Appends under one lease and remembers the answers.
class Writer {
 public:
  explicit Writer(MemoryEventLog& log) : log_(log) {}

  void Put(const std::string& key, const std::string& value) {
    AppendRequest request;
    request.lease_epoch = log_.epoch().counter;
    request.expected_position = position_++;
    request.batch.changes = {{key, value}};
    log_.Append(std::move(request),
                [this](AppendResult result) { results_.push_back(result); });
  }
  const std::vector<AppendResult>& results() const { return results_; }

 private:
  MemoryEventLog& log_;
  int64_t position_ = 0;
  std::vector<AppendResult> results_;
};

std::optional<std::string> ReadOk(MemoryEventLog& log, std::string_view key) {
  return log.Read(key).value();
}

MemoryEventLog::Options Held() { return {.hold_until_sync = true}; }

TEST(MemoryEventLog, IsDurableInlineByDefault) {
  MemoryEventLog log;
  Writer writer(log);
  writer.Put("a", "1");
  EXPECT_THAT(writer.results(), ElementsAre(AppendResult::kDurable));
  EXPECT_EQ(ReadOk(log, "a"), "1");
  EXPECT_EQ(log.durable_batches(), 1);
}

TEST(MemoryEventLog, HoldsBatchesBackUntilSync) {
  MemoryEventLog log(Held());
  Writer writer(log);
  writer.Put("a", "1");
  writer.Put("b", "2");
  EXPECT_TRUE(writer.results().empty());
  EXPECT_EQ(ReadOk(log, "a"), std::nullopt);
  EXPECT_EQ(log.Sync(1), 1);
  EXPECT_EQ(ReadOk(log, "a"), "1");
  EXPECT_EQ(ReadOk(log, "b"), std::nullopt);
  EXPECT_EQ(log.waiting(), 1);
  EXPECT_EQ(log.Sync(), 1);
  EXPECT_EQ(writer.results().size(), 2u);
}

TEST(MemoryEventLog, CrashLosesWhatWaitsAndBumpsTheEpoch) {
  MemoryEventLog log(Held());
  Writer writer(log);
  writer.Put("a", "1");
  log.Sync();
  writer.Put("b", "2");
  Epoch before = log.epoch();
  log.CrashAndReopen();
  EXPECT_EQ(ReadOk(log, "a"), "1");
  EXPECT_EQ(ReadOk(log, "b"), std::nullopt);
  EXPECT_EQ(writer.results().size(), 1u);
  EXPECT_EQ(log.Sync(), 0);
  EXPECT_EQ(log.epoch().counter, before.counter + 1);
  EXPECT_NE(log.epoch().nonce, before.nonce);
  // The new process starts over under its own lease.
  Writer next(log);
  next.Put("c", "3");
  log.Sync();
  EXPECT_THAT(next.results(), ElementsAre(AppendResult::kDurable));
}

TEST(MemoryEventLog, ARestoredBackupRepeatsNoEpoch) {
  MemoryEventLog log(Held());
  Writer writer(log);
  writer.Put("a", "1");
  log.Sync();
  const MemoryEventLog::Contents backup = log.Durable();
  const Epoch copied = log.epoch();
  log.CrashAndReopen();
  const Epoch lost = log.epoch();
  Writer later(log);
  later.Put("b", "2");
  log.Sync();
  log.RestoreBackup(backup, copied.counter);
  EXPECT_EQ(ReadOk(log, "a"), "1");
  EXPECT_EQ(ReadOk(log, "b"), std::nullopt);
  EXPECT_EQ(log.epoch().counter, lost.counter);
  EXPECT_NE(log.epoch().nonce, lost.nonce);
  EXPECT_NE(log.epoch().nonce, copied.nonce);
}

TEST(MemoryEventLog, ACrashCanKeepWhatNobodyWasTold) {
  MemoryEventLog log(Held());
  Writer writer(log);
  writer.Put("a", "1");
  writer.Put("b", "2");
  log.CrashAndReopen(1);
  EXPECT_EQ(ReadOk(log, "a"), "1");
  EXPECT_EQ(ReadOk(log, "b"), std::nullopt);
  EXPECT_TRUE(writer.results().empty());
}

TEST(MemoryEventLog, FailsTheNextAppendAsTold) {
  MemoryEventLog log;
  Writer writer(log);
  log.FailNextAppend(AppendResult::kUnknown);
  writer.Put("a", "1");
  EXPECT_EQ(ReadOk(log, "a"), std::nullopt);
  log.FailNextAppend(AppendResult::kUnknown, true);
  writer.Put("b", "2");
  EXPECT_EQ(ReadOk(log, "b"), "2");
  log.FailNextAppend(AppendResult::kFenced);
  writer.Put("c", "3");
  EXPECT_EQ(ReadOk(log, "c"), std::nullopt);
  EXPECT_THAT(writer.results(),
              ElementsAre(AppendResult::kUnknown, AppendResult::kUnknown,
                          AppendResult::kFenced));
}

TEST(MemoryEventLog, FencesABatchOutOfOrder) {
  MemoryEventLog log;
  Writer first(log);
  first.Put("a", "1");
  Writer second(log);  // same lease, position 0 again
  second.Put("b", "2");
  EXPECT_THAT(second.results(), ElementsAre(AppendResult::kFenced));
  EXPECT_EQ(ReadOk(log, "b"), std::nullopt);
}

TEST(MemoryEventLog, AScanSeesOneSnapshotWhileBatchesAreWritten) {
  MemoryEventLog log;
  Writer writer(log);
  writer.Put("a", "1");
  writer.Put("b", "2");
  std::vector<std::string> seen;
  ASSERT_TRUE(log.Scan({},
                       [&](std::string_view key, std::string_view value) {
                         writer.Put("b", "changed");
                         writer.Put("c", "new");
                         seen.push_back(std::string(key) + std::string(value));
                         return true;
                       })
                  .ok());
  EXPECT_THAT(seen, ElementsAre("a1", "b2"));
  EXPECT_EQ(ReadOk(log, "b"), "changed");
}

}  // namespace
}  // namespace anabranch::log
