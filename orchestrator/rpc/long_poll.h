// LongPoll: a unary call that waits for a run to close.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/time/time.h"
#include "orchestrator/rpc/backend.h"
#include "orchestrator/rpc/run_wait.h"

namespace anabranch::rpc {

// Owns itself until gRPC is done with it. Exactly one of Begin and Finish is
// called, from any thread.
class LongPoll final : public grpc::ServerUnaryReactor {
 public:
  // Answers with what `answer` returns when the wait ends.
  void Begin(Backend& backend, Uid uid, absl::Duration timeout,
             std::function<grpc::Status(WaitEnd)> answer);

  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  std::mutex mutex_;
  bool cancelled_ = false;
  std::shared_ptr<RunWait> wait_;
};

// `wanted`, but ended a little before the caller's own deadline: a poll that
// runs out is an answer, not DEADLINE_EXCEEDED.
absl::Duration PollTimeout(const grpc::CallbackServerContext& context,
                           absl::Duration wanted);

}  // namespace anabranch::rpc
