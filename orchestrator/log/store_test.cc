// The typed view and the contract of the log below it, on each implementation.
#include "orchestrator/log/store.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "orchestrator/log/keys.h"
#include "orchestrator/log/memory_event_log.h"
#include "orchestrator/log/record.h"
#include "orchestrator/log/rocksdb_event_log.h"

namespace anabranch::log {
namespace {

using std::literals::string_literals::operator""s;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<EventLog>()> open;
};

std::unique_ptr<EventLog> OpenMemory() {
  return std::make_unique<MemoryEventLog>();
}

// Each in a folder of its own.
std::unique_ptr<EventLog> OpenRocksDb() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = info->name();  // "Behaviour/RocksDb"
  std::replace(name.begin(), name.end(), '/', '_');
  RocksDbOptions options;
  options.path = ::testing::TempDir() + "/" + name;
  std::filesystem::remove_all(options.path);
  return RocksDbEventLog::Open(options).value();
}

class StoreTest : public ::testing::TestWithParam<Implementation> {
 protected:
  StoreTest() : log_(GetParam().open()), reader_(*log_) {}

  AppendResult Append(WriteBatch batch) {
    AppendRequest request;
    request.lease_epoch = log_->epoch().counter;
    request.expected_position = position_++;
    request.batch = std::move(batch);
    std::optional<AppendResult> answer;
    log_->Append(std::move(request),
                 [&answer](AppendResult result) { answer = result; });
    return answer.value();
  }

  void Commit() { ASSERT_EQ(Append(batch_.Take()), AppendResult::kDurable); }

  void PutRaw(const std::string& key, const std::string& value) {
    WriteBatch batch;
    batch.changes = {{key, value}};
    ASSERT_EQ(Append(std::move(batch)), AppendResult::kDurable);
  }

  std::vector<std::string> Keys(const ScanOptions& options) {
    std::vector<std::string> keys;
    EXPECT_TRUE(log_->Scan(options,
                           [&](std::string_view key, std::string_view) {
                             keys.emplace_back(key);
                             return true;
                           })
                    .ok());
    return keys;
  }

  std::unique_ptr<EventLog> log_;
  StoreReader reader_;
  BatchBuilder batch_;
  int64_t position_ = 0;
};

storage::ActivationRecord Activation(int64_t first, int64_t last) {
  storage::ActivationRecord record;
  for (int64_t id = first; id <= last; ++id) {
    record.add_events()->set_event_id(id);
  }
  return record;
}

std::vector<int64_t> FirstEvents(
    const std::vector<storage::ActivationRecord>& records) {
  std::vector<int64_t> ids;
  ids.reserve(records.size());
  for (const auto& record : records) ids.push_back(record.events(0).event_id());
  return ids;
}

storage::ActivityRecord Activity(Uid uid, int64_t seq) {
  storage::ActivityRecord record;
  record.set_uid(uid.value);
  record.mutable_info()->set_seq(seq);
  return record;
}

std::vector<int64_t> Seqs(const std::vector<storage::ActivityRecord>& records) {
  std::vector<int64_t> seqs;
  seqs.reserve(records.size());
  for (const auto& record : records) seqs.push_back(record.info().seq());
  return seqs;
}

storage::ConversationRecord Conversation(std::string id, int32_t revision) {
  storage::ConversationRecord record;
  record.set_namespace_("default");
  record.set_conversation_id(std::move(id));
  record.set_revision(revision);
  return record;
}

std::vector<std::string> Labels(
    const std::vector<storage::ConversationRecord>& records) {
  std::vector<std::string> labels;
  labels.reserve(records.size());
  for (const auto& record : records) {
    labels.push_back(record.conversation_id() + "@" +
                     std::to_string(record.revision()));
  }
  return labels;
}

constexpr Uid kRun{7};
constexpr Uid kOther{0xffffffffffffffff};

TEST_P(StoreTest, EmptyStoreHasNothing) {
  EXPECT_THAT(reader_.ReadActivations(kRun, 1, 1000).value(), IsEmpty());
  EXPECT_EQ(reader_.ReadStatus(kRun).value(), std::nullopt);
  EXPECT_THAT(reader_.ReadOpenRuns().value(), IsEmpty());
  EXPECT_THAT(reader_.ListRuns("default", "", 10)->uids, IsEmpty());
  EXPECT_FALSE(reader_.HasPayload("aa").value());
  EXPECT_EQ(reader_.ReadPayload("aa").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(reader_.ReadConversation("default", "c").value(), std::nullopt);
}

TEST_P(StoreTest, BatchesAreAppliedInOrderOfTheirChanges) {
  WriteBatch batch;
  batch.changes = {{"a", "1"}, {"a", std::nullopt}, {"b", "2"}, {"b", "3"}};
  ASSERT_EQ(Append(std::move(batch)), AppendResult::kDurable);
  EXPECT_EQ(log_->Read("a").value(), std::nullopt);
  EXPECT_EQ(log_->Read("b").value(), "3");
}

TEST_P(StoreTest, ScanKeepsToItsBoundsAndDirection) {
  for (const char* key : {"ya", "yb", "yc", "yd"}) PutRaw(key, "");
  EXPECT_THAT(Keys({"yb", "yd", false}), ElementsAre("yb", "yc"));
  EXPECT_THAT(Keys({"yb", "yd", true}), ElementsAre("yc", "yb"));
  EXPECT_THAT(Keys({"yc", "", false}), ElementsAre("yc", "yd"));
  EXPECT_THAT(Keys({"yc", "", true}), ElementsAre("yd", "yc"));
  EXPECT_THAT(Keys({"yd", "yb", false}), IsEmpty());
  EXPECT_THAT(Keys({"yd", "yb", true}), IsEmpty());
}

TEST_P(StoreTest, ScanStopsWhenToldAndSeesOneSnapshot) {
  PutRaw("ya", "old");
  PutRaw("yb", "old");
  std::vector<std::string> seen;
  ASSERT_TRUE(log_->Scan({"y", "z"},
                         [&](std::string_view key, std::string_view value) {
                           if (key == "ya") PutRaw("yb", "new");
                           seen.emplace_back(value);
                           return key != "yb";
                         })
                  .ok());
  EXPECT_THAT(seen, ElementsAre("old", "old"));
}

TEST_P(StoreTest, ABatchOutOfOrderIsFenced) {
  PutRaw("ya", "");
  position_ = 5;
  WriteBatch batch;
  batch.changes = {{"yb", ""}};
  EXPECT_EQ(Append(std::move(batch)), AppendResult::kFenced);
  EXPECT_EQ(log_->Read("yb").value(), std::nullopt);
}

TEST_P(StoreTest, ActivationsAreReadFromTheOneThatHoldsTheEvent) {
  batch_.PutActivation(kRun, Activation(1, 3));
  batch_.PutActivation(kRun, Activation(4, 4));
  batch_.PutActivation(kRun, Activation(5, 300));
  batch_.PutActivation(Uid{6}, Activation(1, 9));
  batch_.PutActivation(Uid{8}, Activation(1, 9));
  Commit();
  auto from = [this](int64_t event) {
    return FirstEvents(reader_.ReadActivations(kRun, event, 1 << 20).value());
  };
  EXPECT_THAT(from(0), ElementsAre(1, 4, 5));
  EXPECT_THAT(from(1), ElementsAre(1, 4, 5));
  EXPECT_THAT(from(3), ElementsAre(1, 4, 5));
  EXPECT_THAT(from(4), ElementsAre(4, 5));
  EXPECT_THAT(from(299), ElementsAre(5));
  EXPECT_THAT(from(301), IsEmpty());
}

TEST_P(StoreTest, ActivationsComeInPagesOfAtLeastOne) {
  for (int64_t id = 1; id <= 300; ++id) {
    batch_.PutActivation(kRun, Activation(id, id));
  }
  Commit();
  EXPECT_THAT(FirstEvents(reader_.ReadActivations(kRun, 255, 1).value()),
              ElementsAre(255));
  int64_t each = Activation(255, 255).ByteSizeLong();
  EXPECT_THAT(FirstEvents(reader_.ReadActivations(kRun, 255, 2 * each).value()),
              ElementsAre(255, 256));
}

TEST_P(StoreTest, ActivitiesOfOneRunAndOfAll) {
  batch_.PutActivity(Activity(kRun, 256));
  batch_.PutActivity(Activity(kRun, 255));
  batch_.PutActivity(Activity(kOther, 1));
  Commit();
  EXPECT_THAT(Seqs(reader_.ReadActivities(kRun).value()),
              ElementsAre(255, 256));
  EXPECT_THAT(Seqs(reader_.ReadActivities(kOther).value()), ElementsAre(1));
  EXPECT_THAT(Seqs(reader_.ReadAllActivities().value()),
              ElementsAre(255, 256, 1));
  batch_.DeleteActivity({kRun, 255});
  Commit();
  EXPECT_THAT(Seqs(reader_.ReadActivities(kRun).value()), ElementsAre(256));
}

TEST_P(StoreTest, UsageIsToldApartByTheEpochOfItsAttempt) {
  const TaskToken before{{1, 7}, {kRun, 3}, 1};
  const TaskToken after{{1, 8}, {kRun, 3}, 1};
  storage::UsageRecord usage;
  usage.set_usage_json("1");
  batch_.PutUsage(before, usage);
  usage.set_usage_json("2");
  batch_.PutUsage(after, usage);
  Commit();
  EXPECT_EQ(reader_.ReadUsageOf(before).value()->usage_json(), "1");
  EXPECT_EQ(reader_.ReadUsageOf(after).value()->usage_json(), "2");
  EXPECT_EQ(reader_.ReadUsage(kRun)->size(), 2u);
  TaskToken other = after;
  ++other.attempt;
  EXPECT_FALSE(reader_.ReadUsageOf(other)->has_value());
}

TEST_P(StoreTest, UsageWithoutAnEpochIsThatOfEveryToken) {
  const TaskToken token{{1, 7}, {kRun, 3}, 1};
  storage::UsageRecord usage;
  usage.set_usage_json("1");
  const std::string key =
      KeyBuilder(kUsageKind).Id(kRun).Count(3).Number32(1).Take();
  PutRaw(key, WrapRecord(key, usage.SerializeAsString()));
  EXPECT_EQ(reader_.ReadUsageOf(token).value()->usage_json(), "1");
}

TEST_P(StoreTest, TimersMailboxStatusAndUsage) {
  storage::TimerRecord timer;
  timer.set_uid(kRun.value);
  timer.set_seq(3);
  batch_.PutTimer(timer);
  storage::MailboxRecord mail;
  mail.mutable_stimulus()->set_event_id(9);
  batch_.PutMailbox(kRun, 2, mail);
  storage::StatusRecord status;
  status.set_start_digest("digest");
  batch_.PutStatus(kRun, status);
  storage::UsageRecord usage;
  usage.set_usage_json("{}");
  batch_.PutUsage({{1, 7}, {kRun, 3}, 1}, usage);
  Commit();
  EXPECT_EQ(reader_.ReadTimers(kRun)->at(0).seq(), 3);
  EXPECT_EQ(reader_.ReadAllTimers()->size(), 1u);
  EXPECT_EQ(reader_.ReadMailbox(kRun)->at(0).n, 2);
  EXPECT_EQ(reader_.ReadMailbox(kRun)->at(0).record.stimulus().event_id(), 9);
  EXPECT_EQ(reader_.ReadStatus(kRun).value()->start_digest(), "digest");
  EXPECT_EQ(reader_.ReadUsage(kRun)->at(0).usage_json(), "{}");
  batch_.DeleteTimer(kRun, 3);
  batch_.DeleteMailbox(kRun, 2);
  Commit();
  EXPECT_THAT(reader_.ReadTimers(kRun).value(), IsEmpty());
  EXPECT_THAT(reader_.ReadMailbox(kRun).value(), IsEmpty());
}

TEST_P(StoreTest, RunIndexAndDedupAreByName) {
  storage::RunIndexRecord index;
  index.set_uid(kRun.value);
  batch_.PutRunIndex({"default", "r"}, index);
  storage::DedupRecord dedup;
  dedup.set_method("StartRun");
  batch_.PutDedup({"default", "r"}, "req\0uest"s, dedup);
  Commit();
  EXPECT_EQ(reader_.ReadRunIndex({"default", "r"}).value()->uid(), kRun.value);
  EXPECT_EQ(reader_.ReadRunIndex({"defaul", "tr"}).value(), std::nullopt);
  EXPECT_EQ(reader_.ReadRunIndex({"default", "r2"}).value(), std::nullopt);
  EXPECT_EQ(reader_.ReadDedup({"default", "r"}, "req\0uest"s).value()->method(),
            "StartRun");
  EXPECT_EQ(reader_.ReadDedup({"default", "r\0req"s}, "uest").value(),
            std::nullopt);
}

TEST_P(StoreTest, OpenRunsComeAndGo) {
  batch_.PutOpen(kRun);
  batch_.PutOpen(kOther);
  Commit();
  EXPECT_THAT(reader_.ReadOpenRuns().value(), ElementsAre(kRun, kOther));
  batch_.DeleteOpen(kRun);
  Commit();
  EXPECT_THAT(reader_.ReadOpenRuns().value(), ElementsAre(kOther));
}

TEST_P(StoreTest, RunsAreListedNewestFirstInPages) {
  absl::Time base = absl::FromUnixSeconds(1'700'000'000);
  for (uint64_t i = 1; i <= 5; ++i) {
    batch_.PutListing("default", base + absl::Nanoseconds(i), Uid{i});
  }
  batch_.PutListing("default", base + absl::Nanoseconds(5), Uid{6});
  batch_.PutListing("defaul", base, Uid{99});
  Commit();
  std::vector<uint64_t> seen;
  std::string cursor;
  int pages = 0;
  do {
    auto page = reader_.ListRuns("default", cursor, 2).value();
    EXPECT_EQ(page.uids.size(), 2u);
    for (Uid uid : page.uids) seen.push_back(uid.value);
    cursor = page.next_cursor;
  } while (++pages < 10 && !cursor.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(seen, ElementsAre(5, 6, 4, 3, 2, 1));
}

TEST_P(StoreTest, LargePayloadsComeBackWhole) {
  std::string content(3 * 1024 * 1024, 'x');
  for (size_t i = 0; i < content.size(); i += 97) {
    content[i] = static_cast<char>(i);
  }
  anabranch::v1::PayloadRef ref;
  ref.set_sha256("ab");
  ref.set_encoding(anabranch::v1::PAYLOAD_ENCODING_JSON);
  batch_.PutPayload(ref, content);
  EXPECT_GT(batch_.Bytes(), 3 * 1024 * 1024);
  Commit();
  EXPECT_EQ(batch_.Bytes(), 0);
  EXPECT_TRUE(reader_.HasPayload("ab").value());
  auto read = reader_.ReadPayload("ab").value();
  EXPECT_EQ(read.encoding, anabranch::v1::PAYLOAD_ENCODING_JSON);
  EXPECT_TRUE(read.bytes == content);
}

TEST_P(StoreTest, ConversationsByNewestAndByNamedRevision) {
  for (int32_t revision : {1, 2, 300}) {
    batch_.PutConversation(Conversation("a", revision));
  }
  batch_.PutConversation(Conversation("ab", 1));
  batch_.PutConversation(Conversation("b", 4));
  Commit();
  auto revision_of = [this](const char* id, int32_t revision = 0) {
    auto record = reader_.ReadConversation("default", id, revision).value();
    return record.has_value() ? record->revision() : -1;
  };
  EXPECT_EQ(revision_of("a"), 300);
  EXPECT_EQ(revision_of("a", 2), 2);
  EXPECT_EQ(revision_of("a", 3), -1);
  EXPECT_EQ(revision_of("c"), -1);
  auto list = [this](const char* after, int limit) {
    return Labels(reader_.ListConversations("default", after, limit).value());
  };
  EXPECT_THAT(list("", 10), ElementsAre("a@300", "ab@1", "b@4"));
  EXPECT_THAT(list("", 2), ElementsAre("a@300", "ab@1"));
  EXPECT_THAT(list("a", 10), ElementsAre("ab@1", "b@4"));
  EXPECT_THAT(list("b", 10), IsEmpty());
}

TEST_P(StoreTest, ADamagedRecordIsNamedNotReturned) {
  batch_.PutStatus(kRun, storage::StatusRecord());
  batch_.PutActivation(kRun, Activation(1, 2));
  batch_.PutOpen(kRun);
  WriteBatch batch = batch_.Take();
  for (WriteBatch::Change& change : batch.changes) {
    change.value->back() = static_cast<char>(change.value->back() ^ 1);
  }
  ASSERT_EQ(Append(std::move(batch)), AppendResult::kDurable);
  absl::Status status = reader_.ReadStatus(kRun).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("st\\x00"), absl::string_view::npos);
  EXPECT_EQ(reader_.ReadActivations(kRun, 1, 100).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(reader_.ReadOpenRuns().status().code(),
            absl::StatusCode::kDataLoss);
}

INSTANTIATE_TEST_SUITE_P(Log, StoreTest,
                         ::testing::Values(Implementation{"Memory", OpenMemory},
                                           Implementation{"RocksDb",
                                                          OpenRocksDb}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace anabranch::log
