// What reaches a shard: everything that can change a run, as values.
//
// Replies are called exactly once, on the shard's thread, after the batch that
// they rest on is durable. They must not block.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/payload.pb.h"
#include "anabranch/v1/run.pb.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "base/ids.h"
#include "orchestrator/log/store.h"

namespace anabranch::shard {

using log::RunName;
namespace api = anabranch::v1;

template <typename T>
using Reply = std::function<void(absl::StatusOr<T>)>;
using DoneReply = std::function<void(absl::Status)>;

struct StartedRun {
  RunName name;
  Uid uid;
  bool created = false;
};

// The request was validated; input and attachments are json_text, text, data
// or ref. Content that attachments refer to is in the store already.
struct StartRun {
  // run_id may be empty: the shard makes one.
  RunName name;
  std::string flow;
  api::Payload input;
  std::map<std::string, api::Payload> attachments;
  std::map<std::string, std::string> labels;
  std::string request_id;
  // Answers an open run of that id whatever its flow and input are.
  bool use_existing = false;
  // Come with the start; sent to the run when it exists already and
  // `use_existing` is set.
  std::vector<api::SignalReceived> signals;
  std::optional<absl::Duration> run_timeout;
  // Set when another run starts it.
  std::optional<api::ParentLink> parent;
  Reply<StartedRun> reply;
};

struct SignalRun {
  RunName name;
  std::string signal;
  api::Payload input;
  std::string request_id;
  DoneReply reply;
};

struct CancelRun {
  RunName name;
  std::string reason;
  std::string request_id;
  DoneReply reply;
};

struct TerminateRun {
  RunName name;
  std::string reason;
  std::string request_id;
  DoneReply reply;
};

struct QueryAnswer {
  api::Payload result;
  // It is what a closed or BLOCKED run had published.
  bool published = false;
};

// Changes nothing.
struct QueryRun {
  RunName name;
  std::string query;
  api::Payload input;
  Reply<QueryAnswer> reply;
};

struct PauseRun {
  RunName name;
  std::string reason;
  std::string request_id;
  DoneReply reply;
};

struct ResumeRun {
  RunName name;
  std::string reason;
  std::string request_id;
  DoneReply reply;
};

struct RetriedRun {
  int32_t released_activities = 0;
  int32_t generation = 0;
};

struct RetryRun {
  RunName name;
  std::string request_id;
  Reply<RetriedRun> reply;
};

struct DeleteRun {
  RunName name;
  // An open run is terminated first.
  bool force = false;
  DoneReply reply;
};

// Numbers of anabranch.v1.BatchAction, which comes with a service that a shard
// does not link.
enum class BatchAction : int32_t {
  kCancel = 1,
  kTerminate = 2,
  kSignal = 3,
  kPause = 4,
  kResume = 5,
  kRetry = 6,
  kDelete = 7,
};

// Starts an operation on many runs. The request was validated; create_time,
// cursor and counts are the shard's to set, and so is an empty batch_id. The
// same request again answers the batch that there is.
struct StartBatch {
  storage::v1::BatchRecord record;
  Reply<storage::v1::BatchRecord> reply;
};

// Stops it; one that has ended already is answered as it stands.
struct CancelBatch {
  std::string ns;
  std::string batch_id;
  Reply<storage::v1::BatchRecord> reply;
};

// Sets all limits of a queue.
struct SetTaskQueue {
  storage::v1::TaskQueueRecord record;
  DoneReply reply;
};

struct ImportedConversation {
  storage::v1::ConversationRecord record;
  bool created = false;
};

// The transcript was parsed; record.revision and import_time are the shard's
// to set. The same source again answers the known revision; a record whose
// lines hold all known lines unchanged is the next revision; anything else is
// ALREADY_EXISTS.
struct ImportConversation {
  storage::v1::ConversationRecord record;
  std::string content;
  Reply<ImportedConversation> reply;
};

// One life of one stream, numbered by the RPC layer, never reused.
struct StreamId {
  uint64_t value = 0;
  auto operator<=>(const StreamId&) const = default;
};

// First message of a worker's stream. A second Hello on a stream, or a message
// before it, never reaches the shard.
struct WorkerConnected {
  StreamId stream;
  api::Hello hello;
};

// A frame, reassembled and without progress, which goes to watchers directly;
// may be empty: any frame is a sign of life.
struct WorkerFrame {
  StreamId stream;
  std::vector<api::WorkerMessage> messages;
};

struct WorkerDisconnected {
  StreamId stream;
};

// Ends all streams with a reason and grants nothing more; in-flight work goes
// on in the workers and is taken up by the next start.
struct DrainWorkers {
  std::string reason;
};

// --- between shards: at least once, in any order (children.h) ---

// A parent's record asks for a child as the record has it.
struct ChildDemanded {
  storage::v1::ChildRecord record;
};

// How a child stands.
struct ChildAnswered {
  api::ParentLink parent;
  // The child's generation; 0 when there is none.
  Uid child = {};
  // Set when it is closed, or could not be started; else it is open.
  std::optional<api::ChildClosed> closed = std::nullopt;
  // Of the demand that is answered: the child's id, its policy, and what the
  // demand said of its parent's end.
  std::string run_id = "";
  api::ParentClosePolicy policy = api::PARENT_CLOSE_POLICY_UNSPECIFIED;
  api::ParentClosePolicy demanded = api::PARENT_CLOSE_POLICY_UNSPECIFIED;
};

// The parent knows that the child is closed.
struct NoticeTaken {
  api::ParentLink parent;
  Uid child;
};

using ShardMessage = std::variant<ChildDemanded, ChildAnswered, NoticeTaken>;

using Input =
    std::variant<StartRun, SignalRun, CancelRun, TerminateRun, QueryRun,
                 PauseRun, ResumeRun, RetryRun, DeleteRun, StartBatch,
                 CancelBatch, SetTaskQueue, ImportConversation, WorkerConnected,
                 WorkerFrame, WorkerDisconnected, DrainWorkers, ShardMessage>;

}  // namespace anabranch::shard
