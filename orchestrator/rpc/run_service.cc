// RunService: the unary calls. Streams are in run_streams.cc.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anabranch/v1/run_service.grpc.pb.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/rpc/answer.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/batch_door.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/long_poll.h"
#include "orchestrator/rpc/run_door.h"
#include "orchestrator/rpc/run_streams.h"
#include "orchestrator/rpc/services.h"
#include "orchestrator/rpc/waiting.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;
using Context = grpc::CallbackServerContext;
using Unary = grpc::ServerUnaryReactor;

constexpr absl::Duration kAwaitDefault = absl::Seconds(30);

absl::StatusOr<absl::Duration> ToWait(const google::protobuf::Duration& wait,
                                      const char* field) {
  absl::Duration duration =
      absl::Seconds(wait.seconds()) + absl::Nanoseconds(wait.nanos());
  if (duration < absl::ZeroDuration()) {
    return InvalidField(field, "must not be negative");
  }
  return duration;
}

// Fills `response` with the run as it stands.
template <typename Response>
absl::Status AnswerRun(Backend& backend, const log::RunName& name,
                       Response& response) {
  // By name: it may have come to another generation.
  ASSIGN_OR_RETURN(Uid uid, backend.reads.Find(name));
  ASSIGN_OR_RETURN(*response.mutable_run(),
                   backend.reads.Read(uid, api::RUN_VIEW_FULL));
  response.set_done(IsClosed(response.run().state()));
  return absl::OkStatus();
}

class RunServiceImpl final : public api::RunService::CallbackService {
 public:
  explicit RunServiceImpl(Backend& backend)
      : backend_(backend), door_(backend.reader), batches_(backend.reader) {}

  Unary* StartRun(Context* context, const api::StartRunRequest* request,
                  api::StartRunResponse* response) override {
    auto wait = ToWait(request->wait(), "wait");
    if (!wait.ok()) return Finish(context, wait.status());
    bool validate_only = request->validate_only();
    auto start = backend_.start_door.Check(*request);
    if (!start.ok()) return Finish(context, start.status());
    if (validate_only) {
      *response->mutable_run() = StartDoor::Preview(*start);
      return Finish(context, absl::OkStatus());
    }
    auto* poll = new LongPoll;
    // Showing a large input again takes longer than the shard can spare.
    bool large = start->input.ByteSizeLong() > limits::kInlinePayloadBytesMax;
    start->reply = [this, poll, response, context, large,
                    wait = *wait](absl::StatusOr<shard::StartedRun> started) {
      auto answer = [this, poll, response, context, wait,
                     started = std::move(started)] {
        Started(*poll, *context, started, wait, *response);
      };
      large ? backend_.notifier.RunSoon(std::move(answer)) : answer();
    };
    backend_.post(*std::move(start));
    return poll;
  }

  Unary* GetRun(Context* context, const api::GetRunRequest* request,
                api::GetRunResponse* response) override {
    return Answer(context, backend_.reads.GetRun(*request), response);
  }

  Unary* ListRuns(Context* context, const api::ListRunsRequest* request,
                  api::ListRunsResponse* response) override {
    return Answer(context, backend_.reads.ListRuns(*request), response);
  }

  Unary* AwaitRun(Context* context, const api::AwaitRunRequest* request,
                  api::AwaitRunResponse* response) override {
    auto timeout = request->has_timeout()
                       ? ToWait(request->timeout(), "timeout")
                       : absl::StatusOr<absl::Duration>(kAwaitDefault);
    if (!timeout.ok()) return Finish(context, timeout.status());
    auto name = RunReads::NameOf(request->namespace_(), request->run_id());
    if (!name.ok()) return Finish(context, name.status());
    auto uid = backend_.reads.Find(*name);
    if (!uid.ok()) return Finish(context, uid.status());
    auto* poll = new LongPoll;
    auto answer = [this, name = *name, response](WaitEnd end) {
      absl::Status status = AnswerRun(backend_, name, *response);
      if (status.ok() && end == WaitEnd::kStopping && !response->done()) {
        status = Draining();
      }
      return ToGrpcStatus(status);
    };
    poll->Begin(backend_, *uid, PollTimeout(*context, *timeout),
                std::move(answer));
    return poll;
  }

  Unary* GetHistory(Context* context, const api::GetHistoryRequest* request,
                    api::GetHistoryResponse* response) override {
    return Answer(context, backend_.reads.GetHistory(*request), response);
  }

  Unary* SignalRun(Context* context, const api::SignalRunRequest* request,
                   api::SignalRunResponse*) override {
    return Post(context, door_.Check(*request));
  }

  Unary* CancelRun(Context* context, const api::CancelRunRequest* request,
                   api::CancelRunResponse*) override {
    return Post(context, RunDoor::CheckWithReason<shard::CancelRun>(*request));
  }

  Unary* TerminateRun(Context* context, const api::TerminateRunRequest* request,
                      api::TerminateRunResponse*) override {
    return Post(context,
                RunDoor::CheckWithReason<shard::TerminateRun>(*request));
  }

  Unary* PauseRun(Context* context, const api::PauseRunRequest* request,
                  api::PauseRunResponse*) override {
    return Post(context, RunDoor::CheckWithReason<shard::PauseRun>(*request));
  }

  Unary* ResumeRun(Context* context, const api::ResumeRunRequest* request,
                   api::ResumeRunResponse*) override {
    return Post(context, RunDoor::CheckWithReason<shard::ResumeRun>(*request));
  }

  Unary* DeleteRun(Context* context, const api::DeleteRunRequest* request,
                   api::DeleteRunResponse*) override {
    return Post(context, door_.Check(*request));
  }

  Unary* RetryRun(Context* context, const api::RetryRunRequest* request,
                  api::RetryRunResponse* response) override {
    return Ask(context, door_.Check(*request),
               [response](shard::RetriedRun retried) {
                 response->set_released_activities(retried.released_activities);
                 response->set_generation(retried.generation);
                 return absl::OkStatus();
               });
  }

  Unary* QueryRun(Context* context, const api::QueryRunRequest* request,
                  api::QueryRunResponse* response) override {
    return Ask(
        context, door_.Check(*request),
        [this, request, response](shard::QueryAnswer answer) -> absl::Status {
          *response->mutable_result() = std::move(answer.result);
          response->set_published(answer.published);
          return backend_.reads.ShowAnswer(request->query(),
                                           *response->mutable_result());
        });
  }

  Unary* StartBatch(Context* context, const api::StartBatchRequest* request,
                    api::StartBatchResponse* response) override {
    auto start = batches_.Check(*request);
    if (start.ok() && request->validate_only()) {
      *response->mutable_batch() = BatchDoor::Show(start->record);
      return Finish(context, absl::OkStatus());
    }
    return Ask(context, std::move(start),
               [response](const storage::v1::BatchRecord& record) {
                 *response->mutable_batch() = BatchDoor::Show(record);
                 return absl::OkStatus();
               });
  }

  Unary* GetBatch(Context* context, const api::GetBatchRequest* request,
                  api::GetBatchResponse* response) override {
    return Answer(context, batches_.GetBatch(*request), response);
  }

  Unary* ListBatches(Context* context, const api::ListBatchesRequest* request,
                     api::ListBatchesResponse* response) override {
    return Answer(context, batches_.ListBatches(*request), response);
  }

  Unary* CancelBatch(Context* context, const api::CancelBatchRequest* request,
                     api::CancelBatchResponse* response) override {
    return Ask(context, BatchDoor::Check(*request),
               [response](const storage::v1::BatchRecord& record) {
                 *response->mutable_batch() = BatchDoor::Show(record);
                 return absl::OkStatus();
               });
  }

  grpc::ServerWriteReactor<api::WatchRunResponse>* WatchRun(
      Context*, const api::WatchRunRequest* request) override {
    return NewWatchReactor(backend_, *request);
  }

  grpc::ServerWriteReactor<api::ReadPayloadResponse>* ReadPayload(
      Context*, const api::ReadPayloadRequest* request) override {
    return NewPayloadReactor(backend_, *request);
  }

 private:
  // On the shard's thread, or the notifier's.
  void Started(LongPoll& poll, const Context& context,
               const absl::StatusOr<shard::StartedRun>& started,
               absl::Duration wait, api::StartRunResponse& response) {
    if (!started.ok()) return poll.Finish(ToGrpcStatus(started.status()));
    response.set_created(started->created);
    Uid uid = started->uid;
    auto answer = [this, name = started->name, &response](WaitEnd) {
      return ToGrpcStatus(AnswerRun(backend_, name, response));
    };
    if (wait > absl::ZeroDuration()) {
      poll.Begin(backend_, uid, PollTimeout(context, wait), std::move(answer));
    } else {
      poll.Finish(answer(WaitEnd::kTimeUp));
    }
  }

  template <typename Input>
  Unary* Post(Context* context, absl::StatusOr<Input> input) {
    if (!input.ok()) return Finish(context, input.status());
    Unary* reactor = context->DefaultReactor();
    input->reply = [reactor](const absl::Status& status) {
      reactor->Finish(ToGrpcStatus(status));
    };
    backend_.post(*std::move(input));
    return reactor;
  }

  // The same for an input that is answered with more than success; `fill` puts
  // that into the response.
  template <typename Input, typename Fill>
  Unary* Ask(Context* context, absl::StatusOr<Input> input, Fill fill) {
    if (!input.ok()) return Finish(context, input.status());
    Unary* reactor = context->DefaultReactor();
    input->reply = [this, reactor, fill = std::move(fill)](auto answer) {
      if (!answer.ok()) return reactor->Finish(ToGrpcStatus(answer.status()));
      // Large answers take longer to show than the shard can spare.
      backend_.notifier.RunSoon(
          [reactor, fill, answer = *std::move(answer)]() mutable {
            reactor->Finish(ToGrpcStatus(fill(std::move(answer))));
          });
    };
    backend_.post(*std::move(input));
    return reactor;
  }

  Backend& backend_;
  RunDoor door_;
  BatchDoor batches_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRunService(Backend& backend) {
  return std::make_unique<RunServiceImpl>(backend);
}

}  // namespace anabranch::rpc
