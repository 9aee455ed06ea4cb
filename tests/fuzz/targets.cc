#include <string>
#include <vector>

#include "absl/time/time.h"
#include "activity_worker/core/reassembler.h"
#include "anabranch/v1/run.pb.h"
#include "anabranch/v1/worker_stream.pb.h"
#include "base/check.h"
#include "claude/checkpoint.h"
#include "claude/json.h"
#include "claude/sse.h"
#include "claude/transcript.h"
#include "orchestrator/filter/filter.h"
#include "orchestrator/log/record.h"
#include "orchestrator/rpc/stream_door.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/target.h"

namespace anabranch::fuzz {
namespace {

// key, value: what is read is what would be written.
void Record(std::string_view input) {
  Bytes bytes(input);
  std::string_view key = bytes.Take(bytes.Byte());
  std::string_view value = bytes.Rest();
  auto content = log::UnwrapRecord(key, value);
  if (content.ok()) {
    AB_CHECK(log::WrapRecord(key, *content) == value);
  }
  // And the other way about; a flipped bit is found.
  std::string wrapped = log::WrapRecord(key, value);
  auto read = log::UnwrapRecord(key, wrapped);
  AB_CHECK(read.ok() && *read == value);
  size_t at = input.size() * 31 % wrapped.size();
  wrapped[at] = static_cast<char>(wrapped[at] ^ 1);
  AB_CHECK(!log::UnwrapRecord(key, wrapped).ok());
}

std::vector<claude::SseEvent> ReadSse(std::string_view stream, size_t chunk) {
  claude::SseParser parser(size_t{64} * 1024);
  std::vector<claude::SseEvent> events;
  while (!stream.empty()) {
    if (!parser.Feed(stream.substr(0, chunk), events).ok()) return events;
    stream.remove_prefix(std::min(chunk, stream.size()));
  }
  parser.Finish(events).IgnoreError();  // Too large: both ways alike.
  return events;
}

// Events do not depend on how a stream was cut into pieces.
void Sse(std::string_view input) {
  Bytes bytes(input);
  size_t chunk = 1 + bytes.Byte();
  std::vector<claude::SseEvent> whole = ReadSse(bytes.Rest(), input.size() + 1);
  std::vector<claude::SseEvent> pieces = ReadSse(bytes.Rest(), chunk);
  AB_CHECK(whole.size() == pieces.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    AB_CHECK(whole[i].event == pieces[i].event);
    AB_CHECK(whole[i].data == pieces[i].data);
  }
}

// Steps are numbered; where a step can be forked its checkpoint is JSON; a
// transcript is a revision of itself.
void Transcript(std::string_view input) {
  auto transcript = claude::ParseTranscript(input, {});
  if (!transcript.ok()) return;
  int number = 0;
  for (const claude::Step& step : transcript->steps) {
    AB_CHECK(step.number == ++number);
    AB_CHECK(claude::ValidateJson(step.content_raw).ok());
    auto checkpoint = claude::BuildCheckpoint(*transcript, number);
    AB_CHECK(checkpoint.ok() == step.forkable);
    if (checkpoint.ok()) AB_CHECK(claude::ValidateJson(*checkpoint).ok());
  }
  AB_CHECK(
      claude::CompareIdentity(transcript->identity, transcript->identity) ==
      claude::Revision::kSame);
}

// Frames of a worker: what the door lets through is what the shard may see.
void WorkerFrames(std::string_view input) {
  Bytes bytes(input);
  rpc::StreamDoor door;
  bool greeted = false;
  while (!bytes.empty()) {
    v1::ConnectRequest frame;
    std::string_view piece = bytes.Piece();
    if (!frame.ParseFromArray(piece.data(), static_cast<int>(piece.size()))) {
      continue;
    }
    rpc::SortedFrame sorted;
    if (!door.Take(std::move(frame), sorted).ok()) return;
    AB_CHECK(!greeted || !sorted.hello.has_value());
    greeted = greeted || sorted.hello.has_value();
    for (const v1::WorkerMessage& message : sorted.messages) {
      AB_CHECK(greeted);
      AB_CHECK(!message.has_hello() && !message.has_fragment() &&
               !message.has_beat() && !message.has_progress());
    }
  }
}

// Pieces of the server's messages: within their bounds whatever comes.
void ServerPieces(std::string_view input) {
  Bytes bytes(input);
  activity_worker::Reassembler reassembler({.message_bytes_max = 4096,
                                            .open_bytes_max = 8192,
                                            .open_transfers_max = 16});
  while (!bytes.empty()) {
    v1::Fragment piece;
    uint8_t head = bytes.Byte();
    piece.set_transfer_id(head / 2 % 32);
    piece.set_last(head % 2 == 1);
    piece.set_data(std::string(bytes.Piece()));
    auto message = reassembler.Add(piece);
    if (!message.ok()) return;
    if (message->has_value()) AB_CHECK(!(*message)->has_fragment());
  }
}

// What is accepted as JSON can be taken apart, and its strings unescaped.
void Json(std::string_view input) {
  bool valid = claude::ValidateJson(input).ok();
  auto object = claude::JsonObject::Parse(input);
  AB_CHECK(!object.ok() || valid);
  if (!object.ok()) return;
  for (const claude::JsonMember& member : object->members()) {
    AB_CHECK(claude::ValidateJson(member.value).ok());
    AB_CHECK(claude::KindOf(member.value) != claude::JsonKind::kNone);
  }
}

// Any text is a filter or an error, and a filter takes any run.
void Filter(std::string_view input) {
  auto filter = filter::ParseFilter(input);
  if (!filter.ok()) {
    AB_CHECK(!filter.status().message().empty());
    return;
  }
  v1::Run run;
  absl::Time now = absl::FromUnixSeconds(1700000000);
  filter->Matches(run, now);
  run.set_run_id("r1");
  run.set_flow("claude_chat");
  run.set_state(v1::RUN_STATE_FAILED);
  run.set_retrying(true);
  (*run.mutable_labels())["team"] = "search";
  run.mutable_create_time()->set_seconds(1600000000);
  run.mutable_parent()->set_run_id("p1");
  filter->Matches(run, now);
}

}  // namespace

const std::map<std::string, Target>& Targets() {
  static const std::map<std::string, Target> targets = {
      {"filter", Filter},
      {"json", Json},
      {"record", Record},
      {"server_pieces", ServerPieces},
      {"sse", Sse},
      {"transcript", Transcript},
      {"worker_frames", WorkerFrames},
  };
  return targets;
}

}  // namespace anabranch::fuzz
