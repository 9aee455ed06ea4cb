#include "activity_worker/activities/conversation_activities.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "activity_worker/activities/payload_text.h"
#include "activity_worker/activities/status_failure.h"
#include "base/status_macros.h"
#include "claude/conversation_activities.h"

namespace anabranch::activity_worker {
namespace {

// Two JSON texts in, one out.
using Function = absl::StatusOr<std::string> (*)(std::string_view attachment,
                                                 std::string_view input);

absl::StatusOr<std::string> Apply(Function function, const char* attachment,
                                  const v1::Task& task) {
  ASSIGN_OR_RETURN(const std::string content, AttachmentText(task, attachment));
  ASSIGN_OR_RETURN(const std::string input, PayloadText(task.input()));
  return function(content, input);
}

class PureActivity : public Activity {
 public:
  PureActivity(ActivityContext& context, Function function,
               const char* attachment)
      : context_(context), function_(function), attachment_(attachment) {}

  void Start() override {
    ActivityContext* context = &context_;
    context_.Compute([context, function = function_,
                      attachment = attachment_](const v1::Task& task) {
      absl::StatusOr<std::string> result = Apply(function, attachment, task);
      Outcome outcome = result.ok() ? JsonResult(*std::move(result))
                                    : FailureOfStatus(result.status());
      return
          [context, outcome = std::move(outcome)] { context->Finish(outcome); };
    });
  }

 private:
  ActivityContext& context_;
  const Function function_;
  const char* const attachment_;
};

void Add(ActivityRegistry& registry, std::string_view type, Function function,
         const char* attachment) {
  registry.Register(type, [function, attachment](ActivityContext& context) {
    return std::make_unique<PureActivity>(context, function, attachment);
  });
}

}  // namespace

void RegisterConversationActivities(ActivityRegistry& registry) {
  Add(registry, "conversation.load", claude::LoadConversation, "conversation");
  Add(registry, "conversation.checkpoint", claude::CheckpointConversation,
      "conversation");
  Add(registry, "conversation.compare", claude::CompareConversation,
      "checkpoint");
}

}  // namespace anabranch::activity_worker
