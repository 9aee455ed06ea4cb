// RunService: the unary calls. Streams are in run_streams.cc.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anabranch/v1/run_service.grpc.pb.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/rpc/answer.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/long_poll.h"
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
absl::Status AnswerRun(Backend& backend, Uid uid, Response& response) {
  ASSIGN_OR_RETURN(*response.mutable_run(),
                   backend.reads.Read(uid, api::RUN_VIEW_FULL));
  response.set_done(IsClosed(response.run().state()));
  return absl::OkStatus();
}

absl::StatusOr<shard::SignalRun> CheckSignal(Backend& backend,
                                             const api::SignalRunRequest& in) {
  shard::SignalRun signal;
  ASSIGN_OR_RETURN(signal.name, RunReads::NameOf(in.namespace_(), in.run_id()));
  RETURN_IF_ERROR(CheckId("signal", in.signal()));
  RETURN_IF_ERROR(CheckRequestId(in.request_id()));
  PayloadDoor door(backend.reader);
  ASSIGN_OR_RETURN(signal.input, door.Accept(in.input(), "input", "null"));
  signal.signal = in.signal();
  signal.request_id = in.request_id();
  return signal;
}

// CancelRun and TerminateRun ask for the same.
template <typename Input, typename Request>
absl::StatusOr<Input> CheckEnd(const Request& in) {
  Input input;
  ASSIGN_OR_RETURN(input.name, RunReads::NameOf(in.namespace_(), in.run_id()));
  RETURN_IF_ERROR(CheckReason(in.reason()));
  RETURN_IF_ERROR(CheckRequestId(in.request_id()));
  input.reason = in.reason();
  input.request_id = in.request_id();
  return input;
}

class RunServiceImpl final : public api::RunService::CallbackService {
 public:
  explicit RunServiceImpl(Backend& backend) : backend_(backend) {}

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
    auto answer = [this, uid = *uid, response](WaitEnd end) {
      absl::Status status = AnswerRun(backend_, uid, *response);
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
    return Post(context, CheckSignal(backend_, *request));
  }

  Unary* CancelRun(Context* context, const api::CancelRunRequest* request,
                   api::CancelRunResponse*) override {
    return Post(context, CheckEnd<shard::CancelRun>(*request));
  }

  Unary* TerminateRun(Context* context, const api::TerminateRunRequest* request,
                      api::TerminateRunResponse*) override {
    return Post(context, CheckEnd<shard::TerminateRun>(*request));
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
    auto answer = [this, uid, &response](WaitEnd) {
      return ToGrpcStatus(AnswerRun(backend_, uid, response));
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

  Backend& backend_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRunService(Backend& backend) {
  return std::make_unique<RunServiceImpl>(backend);
}

}  // namespace anabranch::rpc
