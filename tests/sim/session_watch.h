// SessionWatch: what the orchestrator heard of workers' sessions, and hence
// which of them it may give up: the lease rules, written a second time.
#pragma once

#include <algorithm>
#include <map>
#include <string>

#include "absl/time/time.h"
#include "base/limits.h"

namespace anabranch::sim {

// Threads: one. All times are steady.
class SessionWatch {
 public:
  // A process has started to recover.
  void Recovered(absl::Duration now) {
    recovered_ = now;
    stalled_ = now;
    sessions_.clear();
  }
  // A round begins: a long time without one is no silence of the workers.
  void Round(absl::Duration now) {
    if (absl::AbsDuration(jump_) > limits::kTimeGap ||
        now - last_round_ > limits::kTimeGap) {
      stalled_ = gap_ = now;
    }
    jump_ = absl::ZeroDuration();
    last_round_ = now;
  }
  // The wall clock has jumped: the next round sees what all of them come to.
  void Jumped(absl::Duration by) { jump_ += by; }
  void Connected(const std::string& session, absl::Duration now) {
    sessions_[session] = {true, now, {}};
  }
  void Heard(const std::string& session, absl::Duration now) {
    auto it = sessions_.find(session);
    if (it != sessions_.end()) it->second.heard = now;
  }
  void Disconnected(const std::string& session, absl::Duration now) {
    auto it = sessions_.find(session);
    if (it == sessions_.end() || !it->second.connected) return;
    it->second.connected = false;
    it->second.closed = now;
  }

  // Whether it has not come back after a restart, and may still do.
  bool IsAwaited(const std::string& session, absl::Duration now) const {
    return !sessions_.contains(session) &&
           now < recovered_ + limits::kRecoveryGrace;
  }
  // When it last recovered, or stood still.
  absl::Duration stalled() const { return stalled_; }

  // No grace holds anything back. `leased`: there were attempts under way when
  // the process started, whose sessions it waits for.
  bool IsCalm(absl::Duration now, bool leased) const {
    return now >= gap_ + limits::kRecoveryGrace &&
           (!leased || now >= recovered_ + limits::kRecoveryGrace);
  }

  // Whether a session's attempts may be given up at `now`.
  bool MayBeLost(const std::string& session, absl::Duration now) const {
    auto it = sessions_.find(session);
    if (it == sessions_.end()) {
      return now >= recovered_ + limits::kRecoveryGrace;
    }
    const Session& known = it->second;
    if (!known.connected) {
      return now >= std::max(known.closed, stalled_) + limits::kReconnectGrace;
    }
    return now >= std::max(known.heard, stalled_) + limits::kLostAfter;
  }

 private:
  struct Session {
    bool connected = false;
    absl::Duration heard;
    absl::Duration closed;
  };
  std::map<std::string, Session> sessions_;
  absl::Duration recovered_;
  absl::Duration stalled_;
  // The last long time without a round.
  absl::Duration gap_ = -absl::InfiniteDuration();
  absl::Duration last_round_;
  // Of the wall clock since the last round.
  absl::Duration jump_;
};

}  // namespace anabranch::sim
