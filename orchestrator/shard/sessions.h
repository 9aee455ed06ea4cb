// Sessions: the workers' lives as the shard knows them.
//
// Leases bind to sessions, not to streams: a session that reconnects keeps
// what it has. See limits.h for the periods.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/worker.pb.h"
#include "base/ids.h"
#include "orchestrator/shard/input.h"
#include "orchestrator/shard/times.h"

namespace anabranch::shard {

struct Session {
  std::string id;
  std::string label;
  std::set<std::string> types;
  std::set<std::string> queues;
  int slots = 0;
  // Nothing while its stream is gone.
  std::optional<StreamId> stream;
  int credit = 0;
  std::set<ActivityId> leases;
  // Results that its Hello named and that have not come yet.
  std::set<std::string> held_tokens;
  absl::Duration last_heard;
  // When its stream closed.
  absl::Duration closed_at;
  // Heard of since the current grace began.
  bool heard_in_grace = true;
  bool suspect = false;
  bool leaving = false;
  absl::Time connect_time;
};

// Under its shard's role.
class Sessions {
 public:
  Session* Find(const std::string& id);
  Session* ByStream(StreamId stream);

  // The session, connected through `stream` from now on; its credit is 0.
  // `replaced` is the stream it had before, if that is still open.
  struct Connected {
    Session* session = nullptr;
    std::optional<StreamId> replaced;
  };
  Connected Connect(StreamId stream, const api::Hello& hello, Times now);

  // A session that holds leases according to the store; it has not connected
  // to this process yet.
  Session& Expect(const std::string& id, const std::string& label, Times now);

  // The stream is gone; the session has kReconnectGrace to come back.
  void Disconnect(StreamId stream, Times now);

  // Takes the session out, for good.
  void Remove(const std::string& id);

  // A sign of life.
  void Heard(Session& session, Times now);

  // Connected, lively, with credit, the queue and the type; the one with most
  // credit.
  Session* PickFor(const std::string& queue, const std::string& type);
  // How many are connected and take tasks from the queue.
  int WorkersOf(const std::string& queue) const;

  // Marks silent sessions suspect; true when a mark changed.
  bool UpdateSuspects(Times now);
  // Those that are lost by now.
  std::vector<std::string> Expired(Times now) const;
  // When the next one becomes suspect or lost.
  std::optional<absl::Duration> NextDue() const;

  // All leased sessions count as not heard of, and silence starts anew.
  void BeginGrace(Times now);
  // Every session with leases was heard of since, and has delivered what its
  // Hello said that it holds.
  bool GraceFulfilled() const;

  std::vector<api::Worker> Snapshot() const;
  std::map<std::string, Session>& all() { return sessions_; }

 private:
  std::map<std::string, Session> sessions_;
  std::map<StreamId, std::string> by_stream_;
};

}  // namespace anabranch::shard
