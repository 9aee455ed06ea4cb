// What an activity is, and what it may use.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "activity_worker/core/outcome.h"
#include "activity_worker/executor/http_engine.h"
#include "anabranch/v1/worker_stream.pb.h"

namespace anabranch::activity_worker {

using Continuation = std::function<void()>;
using HelperWork = std::function<Continuation(const v1::Task& task)>;

// How long a call may be silent.
struct HttpLimits {
  absl::Duration first_byte = absl::Seconds(600);
  absl::Duration idle = absl::Seconds(120);  // between bytes of the response
};

// One attempt's view of its surroundings. Executor thread; outlives its
// activity. Nothing here waits; callbacks come later, never once the attempt
// has ended.
class ActivityContext {
 public:
  virtual ~ActivityContext() = default;

  virtual const v1::Task& task() const = 0;

  // Streamed output, whole UTF-8 characters.
  virtual void Progress(std::string_view text) = 0;

  // The attempt is alive, and this is how far it has come: at most 64 KiB, or
  // not set. A next attempt finds it in task().heartbeat_details(). Where the
  // task names a heartbeat_timeout, HeartbeatDetails() is asked in time; this
  // is for an activity that has more to say.
  virtual void Heartbeat(v1::Payload details) = 0;

  // Ends the attempt; later calls change nothing. The activity is destroyed
  // after the callback in which it said so.
  virtual void Finish(Outcome outcome) = 0;

  virtual void After(absl::Duration delay, std::function<void()> callback) = 0;

  // Runs `work` on the helper thread, for what would hold up the streams of
  // others; what it returns then runs on the executor's thread. `work` must not
  // touch the activity, which may end meanwhile.
  virtual void Compute(HelperWork work) = 0;

  // One call at a time. The observer is the activity or a part of it.
  virtual void Post(HttpRequest request, const HttpLimits& limits,
                    HttpObserver& observer) = 0;
};

// One attempt of one kind of work. Executor thread. Destroying it ends it.
class Activity {
 public:
  virtual ~Activity() = default;

  virtual void Start() = 0;

  // What the attempt has used so far, as raw JSON; asked when it is stopped or
  // has run out of time.
  virtual std::string UsageJson() const { return ""; }

  // What the next heartbeat says, asked three times in each heartbeat_timeout.
  // Nothing: none is sent, and the attempt fails when the time is up.
  virtual std::optional<v1::Payload> HeartbeatDetails() const {
    return std::nullopt;
  }
};

using ActivityFactory =
    std::function<std::unique_ptr<Activity>(ActivityContext& context)>;

}  // namespace anabranch::activity_worker
