#include "orchestrator/shard/sessions.h"

#include <algorithm>

#include "base/limits.h"
#include "base/proto_time.h"
#include "sdk/activity_defaults.h"

namespace anabranch::shard {
namespace {

// When the session is lost unless something is heard of it.
absl::Duration LostAt(const Session& session) {
  return session.stream.has_value()
             ? session.last_heard + limits::kLostAfter
             : session.closed_at + limits::kReconnectGrace;
}

api::WorkerState StateOf(const Session& session) {
  if (!session.stream.has_value()) return api::WORKER_STATE_DISCONNECTED;
  if (session.suspect) return api::WORKER_STATE_SUSPECT;
  if (session.leaving) return api::WORKER_STATE_LEAVING;
  return api::WORKER_STATE_CONNECTED;
}

}  // namespace

Session* Sessions::Find(const std::string& id) {
  auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : &it->second;
}

Session* Sessions::ByStream(StreamId stream) {
  auto it = by_stream_.find(stream);
  return it == by_stream_.end() ? nullptr : Find(it->second);
}

Sessions::Connected Sessions::Connect(StreamId stream, const api::Hello& hello,
                                      Times now) {
  Session& session = sessions_[hello.session()];
  Connected connected{&session, session.stream};
  if (session.stream.has_value()) by_stream_.erase(*session.stream);
  if (session.id.empty() || session.connect_time == absl::Time()) {
    session.connect_time = now.wall;
  }
  session.id = hello.session();
  session.label = hello.label();
  session.types = {hello.activity_types().begin(),
                   hello.activity_types().end()};
  session.queues = {hello.task_queues().begin(), hello.task_queues().end()};
  if (session.queues.empty()) session.queues.insert(sdk::kDefaultTaskQueue);
  session.slots = hello.slots();
  session.stream = stream;
  session.credit = 0;
  session.leaving = false;
  session.held_tokens = {hello.held_tokens().begin(),
                         hello.held_tokens().end()};
  by_stream_[stream] = session.id;
  Heard(session, now);
  return connected;
}

Session& Sessions::Expect(const std::string& id, const std::string& label,
                          Times now) {
  Session& session = sessions_[id];
  if (session.id.empty()) {
    session.id = id;
    session.label = label;
    session.closed_at = now.steady;
    session.heard_in_grace = false;
  }
  return session;
}

void Sessions::Disconnect(StreamId stream, Times now) {
  Session* session = ByStream(stream);
  if (session == nullptr) return;
  by_stream_.erase(stream);
  session->stream.reset();
  session->credit = 0;
  session->closed_at = now.steady;
}

void Sessions::Remove(const std::string& id) {
  Session* session = Find(id);
  if (session == nullptr) return;
  if (session->stream.has_value()) by_stream_.erase(*session->stream);
  sessions_.erase(id);
}

void Sessions::Heard(Session& session, Times now) {
  session.last_heard = now.steady;
  session.heard_in_grace = true;
}

Session* Sessions::PickFor(const std::string& queue, const std::string& type) {
  Session* best = nullptr;
  for (auto& [id, session] : sessions_) {
    if (!session.stream.has_value() || session.suspect || session.leaving ||
        session.credit <= 0 || !session.types.contains(type) ||
        !session.queues.contains(queue)) {
      continue;
    }
    if (best == nullptr || session.credit > best->credit) best = &session;
  }
  return best;
}

int Sessions::WorkersOf(const std::string& queue) const {
  return static_cast<int>(std::count_if(
      sessions_.begin(), sessions_.end(), [&queue](const auto& entry) {
        return entry.second.stream.has_value() &&
               entry.second.queues.contains(queue);
      }));
}

bool Sessions::UpdateSuspects(Times now) {
  bool changed = false;
  for (auto& [id, session] : sessions_) {
    bool suspect = session.stream.has_value() &&
                   now.steady - session.last_heard >= limits::kSuspectAfter;
    changed |= suspect != session.suspect;
    session.suspect = suspect;
  }
  return changed;
}

std::vector<std::string> Sessions::Expired(Times now) const {
  std::vector<std::string> expired;
  for (const auto& [id, session] : sessions_) {
    if (LostAt(session) <= now.steady) expired.push_back(id);
  }
  return expired;
}

std::optional<absl::Duration> Sessions::NextDue() const {
  std::optional<absl::Duration> next;
  for (const auto& [id, session] : sessions_) {
    absl::Duration due = LostAt(session);
    if (session.stream.has_value() && !session.suspect) {
      due = session.last_heard + limits::kSuspectAfter;
    }
    if (!next.has_value() || due < *next) next = due;
  }
  return next;
}

void Sessions::BeginGrace(Times now) {
  for (auto& [id, session] : sessions_) {
    session.heard_in_grace = session.leases.empty();
    session.last_heard = now.steady;
    if (!session.stream.has_value()) session.closed_at = now.steady;
  }
}

bool Sessions::GraceFulfilled() const {
  return std::all_of(sessions_.begin(), sessions_.end(), [](const auto& entry) {
    const Session& session = entry.second;
    if (session.leases.empty()) return true;
    return session.heard_in_grace && session.stream.has_value() &&
           session.held_tokens.empty();
  });
}

std::vector<api::Worker> Sessions::Snapshot() const {
  std::vector<api::Worker> workers;
  for (const auto& [id, session] : sessions_) {
    api::Worker& worker = workers.emplace_back();
    worker.set_session(session.id);
    worker.set_label(session.label);
    for (const auto& type : session.types) worker.add_activity_types(type);
    for (const auto& queue : session.queues) worker.add_task_queues(queue);
    worker.set_slots(session.slots);
    worker.set_running(static_cast<int>(session.leases.size()));
    worker.set_state(StateOf(session));
    *worker.mutable_connect_time() = ToProto(session.connect_time);
  }
  std::sort(workers.begin(), workers.end(),
            [](const api::Worker& a, const api::Worker& b) {
              return std::pair(a.label(), a.session()) <
                     std::pair(b.label(), b.session());
            });
  return workers;
}

}  // namespace anabranch::shard
