#include "client/cli/run_execution.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <ostream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "client/cli/event_text.h"
#include "client/cli/run_view.h"
#include "client/cli/text.h"
#include "client/lib/error_details.h"
#include "client/lib/payload.h"

namespace anabranch::cli {
namespace {

// Shows what somebody who waits wants to know; nothing with --json.
client::WatchCallback DefaultView(Session& session) {
  if (session.json) {
    return [](const v1::WatchRunResponse&) { return true; };
  }
  auto view = std::make_shared<RunView>(
      session.env.err,
      RunView::Options{.events = false,
                       .raw_tokens = session.env.err_is_terminal,
                       .zone = session.env.zone});
  return [view](const v1::WatchRunResponse& message) {
    view->Take(message);
    return true;
  };
}

// Says what a run waits for when no worker can take its activities: of that
// nothing happens that a watch would show. Threads: has one of its own.
class WorkerHint {
 public:
  WorkerHint(Session& session, client::Client& client, std::string run_id)
      : session_(session),
        client_(client),
        run_id_(std::move(run_id)),
        thread_([this] { Run(); }) {}

  ~WorkerHint() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      done_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  // Held by who prints.
  std::mutex& mutex() { return mutex_; }

 private:
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (changed_.wait_for(lock,
                          absl::ToChronoMilliseconds(session_.env.hint_after),
                          [this] { return done_; })) {
      return;
    }
    lock.unlock();
    v1::GetRunRequest request;
    request.set_run_id(run_id_);
    request.set_view(v1::RUN_VIEW_BASIC);
    const absl::StatusOr<v1::Run> run = client_.GetRun(request);
    if (!run.ok()) return;
    for (const v1::ActivityInfo& activity : run->waiting_activities()) {
      if (!activity.no_worker()) continue;
      lock.lock();
      session_.Note(absl::StrCat(
          "waits: no connected worker offers ", activity.activity_type(),
          "; 'anabranch up' or anabranch-worker starts one"));
      return;
    }
  }

  Session& session_;
  client::Client& client_;
  const std::string run_id_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

absl::StatusOr<v1::Run> WaitFor(Session& session, client::Client& client,
                                const RunExecution& execution,
                                const std::string& run_id) {
  v1::WatchRunRequest watch;
  watch.set_run_id(run_id);
  watch.set_no_progress(session.json && execution.on_message == nullptr);
  const client::WatchCallback callback =
      execution.on_message ? execution.on_message : DefaultView(session);
  absl::Status watched;
  {
    WorkerHint hint(session, client, run_id);
    watched = client.WatchRun(watch, [&](const v1::WatchRunResponse& message) {
      const std::lock_guard<std::mutex> lock(hint.mutex());
      return callback(message);
    });
  }
  if (!watched.ok()) {
    // The run goes on without us.
    session.Note(absl::StrCat("run ", run_id,
                              " was started; 'anabranch runs show ", run_id,
                              "' tells how it stands"));
    return watched;
  }
  v1::GetRunRequest get;
  get.set_run_id(run_id);
  return client.GetRun(get);
}

}  // namespace

absl::StatusOr<v1::StartRunResponse> Execute(Session& session,
                                             const RunExecution& execution) {
  if (static_cast<int64_t>(execution.input_json.size()) >
      limits::kPayloadBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("The input is larger than the limit of ",
                     limits::kPayloadBytesMax / (1024 * 1024), " MiB."));
  }
  ASSIGN_OR_RETURN(client::Client * client, session.Connect());
  v1::StartRunRequest request;
  request.set_flow(execution.flow);
  request.set_run_id(execution.run_id);
  request.set_validate_only(execution.validate_only);
  *request.mutable_input() = client::JsonPayload(execution.input_json);
  if (execution.use_existing) {
    request.set_id_conflict_policy(v1::ID_CONFLICT_POLICY_USE_EXISTING);
  }
  for (const v1::StartSignal& signal : execution.signals) {
    *request.add_signals() = signal;
  }
  if (execution.run_timeout > absl::ZeroDuration()) {
    *request.mutable_run_timeout() = ToProto(execution.run_timeout);
  }
  ASSIGN_OR_RETURN(v1::StartRunResponse response,
                   client->StartRun(std::move(request)));
  if (execution.validate_only) return response;
  if (execution.on_started) execution.on_started(response.run());
  if (execution.detach) return response;
  const std::string run_id = response.run().run_id();
  ASSIGN_OR_RETURN(*response.mutable_run(),
                   WaitFor(session, *client, execution, run_id));
  response.set_done(true);
  if (response.run().has_result()) {
    ASSIGN_OR_RETURN(v1::Payload result,
                     client->Resolve(response.run().result()));
    *response.mutable_run()->mutable_result() = std::move(result);
  }
  return response;
}

absl::StatusOr<ExitCode> PrintStarted(Session& session,
                                      const v1::StartRunResponse& response,
                                      bool validate_only) {
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
  } else if (validate_only) {
    session.env.out << "valid: nothing was started" << std::endl;
  } else {
    session.env.out << response.run().run_id() << std::endl;
    session.Note(absl::StrCat("'anabranch runs watch ", response.run().run_id(),
                              "' shows what happens"));
  }
  return ExitCode::kSuccess;
}

absl::StatusOr<ExitCode> PrintOutcome(Session& session,
                                      const v1::StartRunResponse& response) {
  const v1::Run& run = response.run();
  const bool completed = run.state() == v1::RUN_STATE_COMPLETED;
  if (session.json) {
    RETURN_IF_ERROR(session.PrintJson(response));
    return completed ? ExitCode::kSuccess : ExitCode::kFailed;
  }
  session.Note(Epitaph(run));
  if (!completed) {
    session.Note(absl::StrCat("  hint: 'anabranch runs history ", run.run_id(),
                              "' shows what happened"));
    return ExitCode::kFailed;
  }
  ASSIGN_OR_RETURN(const std::string result,
                   client::PayloadToJson(run.result()));
  session.env.out << Printable(PrettyJson(result)) << std::endl;
  return ExitCode::kSuccess;
}

}  // namespace anabranch::cli
