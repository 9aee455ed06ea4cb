#include "orchestrator/rpc/worker_stream.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/error_details.h"
#include "base/limits.h"
#include "orchestrator/rpc/errors.h"
#include "orchestrator/rpc/outgoing_frames.h"
#include "orchestrator/rpc/payload_door.h"
#include "orchestrator/rpc/status.h"
#include "orchestrator/rpc/stream_door.h"

namespace anabranch::rpc {
namespace {

namespace api = anabranch::v1;
using Reactor =
    grpc::ServerBidiReactor<api::ConnectRequest, api::ConnectResponse>;

// A frame with nothing for the shard is told as a sign of life no more often.
constexpr absl::Duration kSignOfLife = absl::Milliseconds(200);
// Who connects and says nothing holds no stream.
constexpr absl::Duration kHelloWithin = absl::Seconds(10);
// A peer that does not take what is left is not waited for longer.
constexpr absl::Duration kCloseGrace = absl::Seconds(2);

// Reads and writes are independent of each other. Reading: one reaction at a
// time, by gRPC. Writing: whoever sets `writing_` owns the frames until there
// is nothing to say. Finish is called by whoever holds neither a read that is
// to be started nor a write in flight, exactly once.
class WorkerStream final : public Reactor,
                           public StreamSink,
                           public std::enable_shared_from_this<WorkerStream> {
 public:
  WorkerStream(Backend& backend, grpc::CallbackServerContext& context)
      : backend_(backend),
        context_(context),
        frames_([&backend](api::ServerMessage& message) {
          return Resolve(backend, message);
        }) {}

  void Begin() {
    self_ = shared_from_this();
    backend_.notifier.RunAfter(kHelloWithin, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->ExpectHello();
    });
    StartRead(&request_);
  }

  // StreamSink.
  void Send(std::vector<api::ServerMessage> messages) override;
  void Close(absl::Status status) override;

  // Reactions.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override { Close(absl::CancelledError("cancelled")); }
  void OnDone() override;

 private:
  static bool Resolve(Backend& backend, api::ServerMessage& message);

  void ExpectHello();
  void Hand(SortedFrame sorted);
  void ShowProgress(std::vector<StreamedText> progress);
  void Disconnect();
  void Kick();
  void WriteNext(bool may_read);

  Backend& backend_;
  grpc::CallbackServerContext& context_;
  // Until OnDone.
  std::shared_ptr<WorkerStream> self_;

  // The reader's.
  StreamDoor door_;
  api::ConnectRequest request_;
  absl::Duration last_posted_ = -absl::InfiniteDuration();

  // The writer's.
  OutgoingFrames frames_;
  api::ConnectResponse frame_;

  std::mutex mutex_;
  std::optional<shard::StreamId> id_;
  std::vector<api::ServerMessage> queue_;
  bool greeted_ = false;
  bool writing_ = false;
  bool broken_ = false;
  bool finished_ = false;
  // Set once the stream is to end.
  std::optional<absl::Status> final_;
};

bool WorkerStream::Resolve(Backend& backend, api::ServerMessage& message) {
  absl::Status status = InlinePayloads(message, PayloadDoor(backend.reader),
                                       limits::kPayloadBytesMax);
  if (status.ok()) return true;
  spdlog::error("task {} is not sent: {}", message.task().token(),
                std::string(status.message()));
  return false;
}

void WorkerStream::OnReadDone(bool ok) {
  if (!ok) {
    Disconnect();
    return Close(absl::OkStatus());
  }
  SortedFrame sorted;
  absl::Status status = door_.Take(std::move(request_), sorted);
  if (!status.ok()) {
    spdlog::warn("a worker's stream from {} ends: {}: {}", context_.peer(),
                 ErrorReason(status), std::string(status.message()));
    Disconnect();
    return Close(std::move(status));
  }
  Hand(std::move(sorted));
  request_.Clear();
  std::lock_guard<std::mutex> lock(mutex_);
  if (!finished_) StartRead(&request_);
}

void WorkerStream::ExpectHello() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (greeted_) return;
  }
  Close(StreamError("HELLO_EXPECTED", "no Hello has come within 10 s"));
}

void WorkerStream::Hand(SortedFrame sorted) {
  ShowProgress(std::move(sorted.progress));
  if (sorted.hello.has_value()) {
    shard::StreamId id = backend_.streams.Add(shared_from_this());
    {
      std::lock_guard<std::mutex> lock(mutex_);
      id_ = id;
      greeted_ = true;
    }
    spdlog::info("worker {} ({}) connects from {}", sorted.hello->label(),
                 sorted.hello->session(), context_.peer());
    backend_.post(shard::WorkerConnected{id, *std::move(sorted.hello)});
  }
  // Pieces of a large Hello: there is nobody yet to give a sign of life.
  if (!id_.has_value()) return;
  absl::Duration now = backend_.clock.Steady();
  if (sorted.messages.empty() && now - last_posted_ < kSignOfLife) return;
  last_posted_ = now;
  backend_.post(shard::WorkerFrame{*id_, std::move(sorted.messages)});
}

void WorkerStream::ShowProgress(std::vector<StreamedText> progress) {
  std::set<Uid> runs;
  for (const StreamedText& piece : progress) {
    backend_.progress.Add(piece.token.activity, piece.token.attempt,
                          piece.offset, piece.text);
    runs.insert(piece.token.activity.uid);
  }
  for (Uid uid : runs) backend_.notifier.ProgressArrived(uid);
}

void WorkerStream::Disconnect() {
  std::optional<shard::StreamId> id;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    id = std::exchange(id_, std::nullopt);
  }
  if (!id.has_value()) return;
  backend_.streams.Remove(*id);
  backend_.post(shard::WorkerDisconnected{*id});
}

void WorkerStream::Send(std::vector<api::ServerMessage> messages) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (final_.has_value()) return;
    for (api::ServerMessage& message : messages) {
      queue_.push_back(std::move(message));
    }
  }
  Kick();
}

void WorkerStream::Close(absl::Status status) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (final_.has_value()) return;
    final_ = std::move(status);
  }
  backend_.notifier.RunAfter(kCloseGrace, [weak = weak_from_this()] {
    auto self = weak.lock();
    if (self == nullptr) return;
    std::lock_guard<std::mutex> lock(self->mutex_);
    // The context lives until OnDone, which follows Finish.
    if (!self->finished_) self->context_.TryCancel();
  });
  Kick();
}

void WorkerStream::Kick() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (writing_ || finished_) return;
    writing_ = true;
  }
  WriteNext(/*may_read=*/false);
}

// By the writer. The shard's thread must not read content from the store:
// then the notifier's goes on.
void WorkerStream::WriteNext(bool may_read) {
  std::vector<api::ServerMessage> queue;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queue.swap(queue_);
  }
  for (api::ServerMessage& message : queue) frames_.Push(std::move(message));
  if (!may_read && frames_.MustRead()) {
    backend_.notifier.RunSoon(
        [self = shared_from_this()] { self->WriteNext(/*may_read=*/true); });
    return;
  }
  frame_ = frames_.Next();
  std::unique_lock<std::mutex> lock(mutex_);
  if (frame_.messages_size() > 0 && !broken_) {
    lock.unlock();
    StartWrite(&frame_);
    return;
  }
  if (!queue_.empty() && !broken_) {
    lock.unlock();
    return WriteNext(may_read);
  }
  writing_ = false;
  if (!final_.has_value() || finished_) return;
  finished_ = true;
  Finish(ToGrpcStatus(*final_));
}

void WorkerStream::OnWriteDone(bool ok) {
  if (!ok) {
    // The read fails too, and ends the stream.
    std::lock_guard<std::mutex> lock(mutex_);
    broken_ = true;
  }
  WriteNext(/*may_read=*/true);
}

void WorkerStream::OnDone() {
  Disconnect();
  // May be the last reference.
  auto self = std::move(self_);
}

}  // namespace

Reactor* NewWorkerStream(Backend& backend,
                         grpc::CallbackServerContext& context) {
  auto stream = std::make_shared<WorkerStream>(backend, context);
  stream->Begin();
  return stream.get();
}

}  // namespace anabranch::rpc
