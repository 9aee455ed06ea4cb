#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "orchestrator/rpc/rpc_fixture.h"
#include "orchestrator/rpc/watch_cursor.h"

namespace anabranch::rpc {
namespace {

constexpr Uid kUid{7};
constexpr ActivityId kActivity{kUid, 1};

class WatchRunTest : public RpcTest {
 protected:
  using Reader = grpc::ClientReader<api::WatchRunResponse>;

  std::unique_ptr<Reader> Watch(grpc::ClientContext& context,
                                const std::string& cursor = "") {
    api::WatchRunRequest request;
    request.set_run_id("r1");
    request.set_cursor(cursor);
    return runs_->WatchRun(&context, request);
  }

  void WriteActivity(api::ActivityState state) {
    Write([&](log::BatchBuilder& batch) {
      storage::v1::ActivityRecord record;
      record.set_uid(kUid.value);
      record.mutable_info()->set_seq(1);
      record.mutable_info()->set_attempt(1);
      record.mutable_info()->set_state(state);
      record.mutable_scheduled()->set_seq(1);
      batch.PutActivity(record);
    });
  }

  void Stream(int64_t offset, const std::string& text) {
    backend_.progress.Add(kActivity, 1, offset, text);
    backend_.notifier.ProgressArrived(kUid);
  }

  static api::WatchRunResponse Next(Reader& reader) {
    api::WatchRunResponse message;
    EXPECT_TRUE(reader.Read(&message));
    EXPECT_FALSE(message.cursor().empty());
    return message;
  }
};

TEST_F(WatchRunTest, ShowsEventsThenTheEnd) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  grpc::ClientContext context;
  auto reader = Watch(context);
  EXPECT_EQ(Next(*reader).event().event_id(), 1);
  WriteMarkers("r1", kUid, 1, 10);
  backend_.RunChanged(kUid, false);
  EXPECT_EQ(Next(*reader).event().event_id(), 2);
  WriteRun("r1", kUid, api::RUN_STATE_COMPLETED);
  backend_.RunChanged(kUid, true);
  api::WatchRunResponse last = Next(*reader);
  EXPECT_EQ(last.final_run().result().json().string_value(), "hi");
  api::WatchRunResponse none;
  EXPECT_FALSE(reader->Read(&none));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(WatchRunTest, ShowsActivitiesAndTheirOutput) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  WriteActivity(api::ACTIVITY_STATE_READY);
  grpc::ClientContext context;
  auto reader = Watch(context);
  EXPECT_TRUE(Next(*reader).has_event());
  EXPECT_EQ(Next(*reader).activity().state(), api::ACTIVITY_STATE_READY);
  WriteActivity(api::ACTIVITY_STATE_RUNNING);
  backend_.RunChanged(kUid, false);
  EXPECT_EQ(Next(*reader).activity().state(), api::ACTIVITY_STATE_RUNNING);
  Stream(0, "Hel");
  EXPECT_EQ(Next(*reader).progress().text(), "Hel");
  Stream(3, "lo");
  api::WatchRunResponse piece = Next(*reader);
  EXPECT_EQ(piece.progress().text(), "lo");
  EXPECT_EQ(piece.progress().offset(), 3);
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(WatchRunTest, ResumesAfterTheCursor) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  WriteMarkers("r1", kUid, 2, 10);
  WriteActivity(api::ACTIVITY_STATE_RUNNING);
  Stream(0, "Hello ");
  std::string cursor;
  {
    grpc::ClientContext context;
    auto reader = Watch(context);
    EXPECT_EQ(Next(*reader).progress().text(), "Hello ");
    EXPECT_TRUE(Next(*reader).has_event());
    cursor = Next(*reader).cursor();
    context.TryCancel();
    reader->Finish();
  }
  Stream(6, "world");
  grpc::ClientContext context;
  auto reader = Watch(context, cursor);
  EXPECT_EQ(Next(*reader).progress().text(), "world");
  EXPECT_EQ(Next(*reader).event().event_id(), 3);
  context.TryCancel();
  reader->Finish();
}

TEST_F(WatchRunTest, CanBeWatchedAfterItsEnd) {
  WriteRun("r1", kUid, api::RUN_STATE_COMPLETED);
  grpc::ClientContext context;
  auto reader = Watch(context);
  EXPECT_TRUE(Next(*reader).has_event());
  EXPECT_TRUE(Next(*reader).has_final_run());
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(WatchRunTest, ReadsALongHistoryInOrder) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  WriteMarkers("r1", kUid, 999, 4000);
  WriteRun("r1", kUid, api::RUN_STATE_COMPLETED);
  grpc::ClientContext context;
  auto reader = Watch(context);
  for (int64_t id = 1; id <= 1000; ++id) {
    ASSERT_EQ(Next(*reader).event().event_id(), id);
  }
  EXPECT_TRUE(Next(*reader).has_final_run());
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(WatchRunTest, RefusesBadCursors) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  for (const char* bad : {"x", "1", "1.", "0.1", "2.0", "1.5", "1.-1", "1.0;",
                          "1.0;1", "1.0;1:1", "1.0;1:1:1x"}) {
    grpc::ClientContext context;
    auto reader = Watch(context, bad);
    api::WatchRunResponse none;
    EXPECT_FALSE(reader->Read(&none)) << bad;
    grpc::Status status = reader->Finish();
    EXPECT_EQ(Reason(status), "INVALID_CURSOR") << bad;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  }
}

TEST_F(WatchRunTest, UnknownRunsAreNotFound) {
  grpc::ClientContext context;
  auto reader = Watch(context);
  api::WatchRunResponse none;
  EXPECT_FALSE(reader->Read(&none));
  EXPECT_EQ(Reason(reader->Finish()), "RUN_NOT_FOUND");
}

TEST_F(WatchRunTest, EndsWhenTheServerGoesDown) {
  WriteRun("r1", kUid, api::RUN_STATE_RUNNING);
  grpc::ClientContext context;
  auto reader = Watch(context);
  EXPECT_TRUE(Next(*reader).has_event());
  backend_.notifier.Stop();
  api::WatchRunResponse none;
  EXPECT_FALSE(reader->Read(&none));
  grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(status), "DRAINING");
}

TEST(WatchCursor, SurvivesItsText) {
  WatchCursor cursor;
  cursor.event = 12;
  cursor.positions[3] = {2, 500};
  cursor.positions[4] = {1, 0};
  EXPECT_EQ(cursor.ToString(), "1.12;3:2:500;4:1:0");
  auto parsed = WatchCursor::Parse(cursor.ToString());
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->ToString(), cursor.ToString());
  for (int64_t seq = 0; seq < 1000; ++seq) cursor.positions[seq] = {1, seq};
  EXPECT_TRUE(WatchCursor::Parse(cursor.ToString()).ok());
}

}  // namespace
}  // namespace anabranch::rpc
