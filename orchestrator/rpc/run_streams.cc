#include "orchestrator/rpc/run_streams.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/limits.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/payload_door.h"
#include "orchestrator/rpc/run_watch.h"
#include "orchestrator/rpc/status.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;

// Whoever sets `busy_` owns the watch and the outbox until the owner finds
// nothing more to do: a write in flight keeps them.
class WatchReactor final
    : public grpc::ServerWriteReactor<api::WatchRunResponse>,
      public std::enable_shared_from_this<WatchReactor> {
 public:
  WatchReactor(Backend& backend, RunWatch watch)
      : backend_(backend), uid_(watch.uid()), watch_(std::move(watch)) {}

  void Begin() {
    self_ = shared_from_this();
    Subscribe();
    OnWake(Wake{.changed = true, .progress = true});
  }

  void OnWriteDone(bool ok) override {
    outbox_.pop_front();
    if (!ok) {
      std::lock_guard<std::mutex> lock(mutex_);
      end_ = absl::CancelledError("the watcher has gone");
    }
    Continue();
  }

  void OnCancel() override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      end_ = absl::CancelledError("the watcher has gone");
    }
    OnWake(Wake());
  }

  void OnDone() override {
    Unsubscribe();
    self_.reset();
  }

 private:
  void Subscribe() {
    backend_.progress.Watch(uid_);
    subscription_ =
        backend_.notifier.Subscribe(uid_, [weak = weak_from_this()](Wake wake) {
          if (auto self = weak.lock()) self->OnWake(wake);
        });
  }

  void Unsubscribe() {
    backend_.notifier.Unsubscribe(subscription_);
    backend_.progress.Unwatch(uid_);
  }

  // By the owner: the run has come to its next generation.
  void Follow() {
    Unsubscribe();
    uid_ = watch_.uid();
    Subscribe();
    // What happened before the subscription is still to be read.
    std::lock_guard<std::mutex> lock(mutex_);
    pending_.changed = true;
    pending_.progress = true;
  }

  void OnWake(Wake wake) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      pending_.changed |= wake.changed;
      pending_.progress |= wake.progress;
      if (wake.stopping && !end_.has_value()) end_ = Draining();
      if (busy_) return;
      busy_ = true;
    }
    Continue();
  }

  // By the owner: writes the next message, or gives the ownership up.
  void Continue() {
    while (true) {
      {
        std::lock_guard<std::mutex> lock(mutex_);
        // A run that is closed ends well even when the server is going down.
        if (end_.has_value()) return Finish(ToGrpcStatus(*end_));
        watch_.Note(std::exchange(pending_, Wake()));
      }
      if (outbox_.empty()) {
        absl::Status read = watch_.Read(outbox_);
        if (!read.ok()) return Finish(ToGrpcStatus(read));
        if (watch_.uid() != uid_) Follow();
      }
      if (!outbox_.empty()) return StartWrite(&outbox_.front());
      if (watch_.finished()) return Finish(grpc::Status::OK);
      std::lock_guard<std::mutex> lock(mutex_);
      if (!pending_.changed && !pending_.progress && !end_.has_value()) {
        busy_ = false;
        return;
      }
    }
  }

  Backend& backend_;
  // The owner's, as the subscription: the generation that is watched.
  Uid uid_;
  // Until OnDone.
  std::shared_ptr<WatchReactor> self_;
  uint64_t subscription_ = 0;

  // The owner's.
  RunWatch watch_;
  std::deque<api::WatchRunResponse> outbox_;

  std::mutex mutex_;
  bool busy_ = false;
  Wake pending_;
  // Why the stream is to end early.
  std::optional<absl::Status> end_;
};

class PayloadReactor final
    : public grpc::ServerWriteReactor<api::ReadPayloadResponse> {
 public:
  explicit PayloadReactor(std::string content) : content_(std::move(content)) {}

  void Begin() { WriteNext(); }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    WriteNext();
  }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    if (at_ >= content_.size()) return Finish(grpc::Status::OK);
    piece_.set_data(content_.substr(at_, limits::kFragmentBytesMax));
    at_ += piece_.data().size();
    StartWrite(&piece_);
  }

  std::string content_;
  size_t at_ = 0;
  api::ReadPayloadResponse piece_;
};

template <typename Response>
class FailedReactor final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit FailedReactor(const absl::Status& status) {
    this->Finish(ToGrpcStatus(status));
  }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<api::WatchRunResponse>* NewWatchReactor(
    Backend& backend, const api::WatchRunRequest& request) {
  auto watch =
      RunWatch::Open(request, backend.reader, backend.reads, backend.progress);
  if (!watch.ok()) {
    return new FailedReactor<api::WatchRunResponse>(watch.status());
  }
  auto reactor = std::make_shared<WatchReactor>(backend, *std::move(watch));
  reactor->Begin();
  return reactor.get();
}

grpc::ServerWriteReactor<api::ReadPayloadResponse>* NewPayloadReactor(
    Backend& backend, const api::ReadPayloadRequest& request) {
  if (!IsSha256(request.sha256())) {
    return new FailedReactor<api::ReadPayloadResponse>(
        InvalidField("sha256", "must be 64 lower-case hex digits"));
  }
  auto content = backend.reader.ReadPayload(request.sha256());
  if (absl::IsNotFound(content.status())) {
    content = PayloadNotFound(request.sha256());
  }
  if (!content.ok()) {
    return new FailedReactor<api::ReadPayloadResponse>(content.status());
  }
  auto* reactor = new PayloadReactor(std::move(content->bytes));
  reactor->Begin();
  return reactor;
}

}  // namespace anabranch::rpc
