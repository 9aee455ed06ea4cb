#include "activity_worker/stream_client.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "anabranch/v1/activity_service.grpc.pb.h"
#include "base/check.h"
#include "base/limits.h"

namespace anabranch::activity_worker {
namespace {

// After a drain's deadline, for the last reports to be recorded; and for the
// server to answer a closed stream.
constexpr absl::Duration kHandOver = absl::Seconds(1);

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(
      static_cast<int>(limits::kStreamMessageBytesMax));
  // A server that is gone without a word shows within 17 s. Pings that come
  // faster than the server's 10 s would end the connection.
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 12'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Each stream has a channel of its own: gRPC's waits between attempts, shared
  // by channels and never shorter than 100 ms, stay out of our own.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2'000);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(),
                                   args);
}

}  // namespace

// One stream. Reactions run on gRPC's threads. Destroyed on Run()'s thread
// after OnDone().
class StreamClient::Stream
    : public grpc::ClientBidiReactor<v1::ConnectRequest, v1::ConnectResponse> {
 public:
  Stream(StreamClient& client, const std::string& address)
      : client_(client),
        channel_(Connect(address)),
        stub_(v1::ActivityService::NewStub(channel_)) {}

  // Under the mutex, as are Pump(), Close() and Cancel().
  void Start() {
    stub_->async()->Connect(&context_, this);
    // Writes start outside of reactions: the hold keeps the stream from being
    // done meanwhile.
    AddHold();
    Pump();
    StartRead(&response_);
    StartCall();
  }

  // Writes the next frame if there is one and none is in flight.
  void Pump() {
    if (writing_ || ended_ || closing_ || !client_.core_.HasFrame()) return;
    request_ = client_.core_.TakeFrame(client_.clock_.Steady());
    writing_ = true;
    StartWrite(&request_);
  }

  // No more frames from us; the server ends the stream.
  void Close() {
    if (writing_ || ended_ || std::exchange(closing_, true)) return;
    StartWritesDone();
  }

  void Cancel() { context_.TryCancel(); }

  bool writing() const { return writing_; }
  bool done() const { return done_; }
  const grpc::Status& status() const { return status_; }
  const absl::Status& protocol_error() const { return protocol_error_; }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) {
      {
        const std::scoped_lock lock(client_.mutex_);
        ended_ = true;
      }
      RemoveHold();
      return;
    }
    {
      const std::scoped_lock lock(client_.mutex_);
      TakeResponse();
    }
    StartRead(&response_);
  }

  void TakeResponse() {
    if (!protocol_error_.ok()) return;
    WorkerCore& core = client_.core_;
    const bool was_ready = core.ready();
    for (v1::ServerMessage& message : *response_.mutable_messages()) {
      protocol_error_ = core.Receive(std::move(message));
      if (!protocol_error_.ok()) {
        Cancel();
        return;
      }
    }
    if (!was_ready && core.ready()) {
      client_.backoff_ = client_.options_.backoff_initial;
      client_.reported_loss_ = false;
      spdlog::info("connected to {} (epoch {}): {} running, {} held",
                   client_.options_.address, core.server_epoch(),
                   core.running(), core.held());
    }
    client_.TakeOutputs();
    if (client_.leave_ || core.WantsClose()) client_.wake_.notify_one();
  }

  void OnWriteDone(bool ok) override {
    const std::scoped_lock lock(client_.mutex_);
    writing_ = false;
    if (ok) Pump();
    if (client_.leave_) client_.wake_.notify_one();
  }

  void OnDone(const grpc::Status& status) override {
    const std::scoped_lock lock(client_.mutex_);
    status_ = status;
    done_ = true;
    client_.wake_.notify_one();
  }

  StreamClient& client_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::ActivityService::Stub> stub_;
  grpc::ClientContext context_;
  v1::ConnectRequest request_;    // in flight while writing_
  v1::ConnectResponse response_;  // of the reaction, between reads

  // Under the client's mutex.
  bool writing_ = false;
  bool ended_ = false;    // nothing more can be read: the stream is over
  bool closing_ = false;  // we have ended our side
  bool done_ = false;
  grpc::Status status_;
  absl::Status protocol_error_;
};

StreamClient::StreamClient(WorkerCore::Options core, TaskRunner& runner,
                           Clock& clock, Options options)
    : runner_(runner),
      clock_(clock),
      options_(std::move(options)),
      core_(std::move(core)),
      backoff_(options_.backoff_initial) {}

StreamClient::~StreamClient() { AB_CHECK(stream_ == nullptr); }

bool StreamClient::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (stream_ != nullptr && stream_->done()) OnStreamEnded();
    const absl::Duration now = clock_.Steady();
    if (DrainIsOver(now)) break;
    if (stream_ == nullptr && now >= connect_at_) OpenStream();
    core_.Advance(now);
    TakeOutputs();
    if (core_.WantsClose()) CloseStream();
    const absl::Duration wait = NextWake() - clock_.Steady();
    if (wait > absl::ZeroDuration()) {
      wake_.wait_for(lock, absl::ToChronoNanoseconds(
                               std::min<absl::Duration>(wait, absl::Hours(1))));
    }
  }
  const bool clean = core_.Idle();
  // The stream may not be destroyed before it is done.
  CloseStream();
  const auto is_done = [this] { return !stream_ || stream_->done(); };
  if (!wake_.wait_for(lock, absl::ToChronoNanoseconds(kHandOver), is_done)) {
    stream_->Cancel();
    wake_.wait(lock, is_done);
  }
  stream_.reset();
  return clean;
}

absl::Duration StreamClient::NextWake() const {
  absl::Duration next = core_.NextAdvance();
  if (stream_ == nullptr) next = std::min(next, connect_at_);
  if (leave_) next = std::min(next, leave_deadline_);
  return next;
}

void StreamClient::OpenStream() {
  stream_ = std::make_unique<Stream>(*this, options_.address);
  core_.StreamOpened(clock_.Steady());
  stream_->Start();
}

void StreamClient::CloseStream() {
  if (stream_ != nullptr) stream_->Close();
}

void StreamClient::OnStreamEnded() {
  const bool was_ready = core_.ready();
  const bool asked = core_.WantsClose();
  if (!stream_->protocol_error().ok()) {
    spdlog::error("{} breaks the protocol: {}", options_.address,
                  stream_->protocol_error().ToString());
  } else if (asked) {
    spdlog::info("{} asked to close the stream", options_.address);
  } else if (was_ready || !std::exchange(reported_loss_, true)) {
    reported_loss_ = true;
    spdlog::warn(
        "no connection to {}: {} ({} running and {} held go on; "
        "trying again)",
        options_.address, stream_->status().error_message(), core_.running(),
        core_.held());
  }
  // Who sends us away, or talks nonsense, is not asked again at once.
  const bool unwelcome = asked || !stream_->protocol_error().ok();
  stream_.reset();
  core_.StreamClosed();
  connect_at_ = clock_.Steady() + (unwelcome ? options_.backoff_max : backoff_);
  backoff_ = std::min(backoff_ * 2, options_.backoff_max);
}

void StreamClient::TakeOutputs() {
  runner_.Submit(core_.TakeBegun(), core_.TakeStopped());
  if (stream_ != nullptr) stream_->Pump();
}

void StreamClient::OnTaskEvents(std::vector<TaskEvent> events) {
  const std::scoped_lock lock(mutex_);
  for (TaskEvent& event : events) {
    core_.AddProgress(event.id, event.progress);
    if (event.heartbeat.has_value()) {
      core_.AddHeartbeat(event.id, *std::move(event.heartbeat));
    }
    if (event.outcome.has_value()) {
      core_.Finished(event.id, *std::move(event.outcome));
    }
  }
  TakeOutputs();
  if (leave_) wake_.notify_one();
}

void StreamClient::Leave(absl::Duration grace) {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(leave_, true)) return;
  leave_deadline_ = clock_.Steady() + grace;
  core_.Leave();
  wake_.notify_one();
}

bool StreamClient::DrainIsOver(absl::Duration now) {
  if (!leave_) return false;
  const bool said = stream_ == nullptr || (!stream_->writing() &&  //
                                           !core_.HasFrame());
  if (core_.Idle() && said) return true;
  if (now < leave_deadline_) return false;
  if (stopped_all_) return true;
  stopped_all_ = true;
  leave_deadline_ = now + kHandOver;
  if (core_.running() > 0) {
    spdlog::warn("{} tasks did not end in time: stopped", core_.running());
  }
  core_.StopAll("the worker is shutting down");
  return false;
}

}  // namespace anabranch::activity_worker
