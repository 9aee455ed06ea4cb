// FlowRegistry: the flows that a build of the orchestrator has.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anabranch/v1/payload.pb.h"

namespace anabranch::sdk {

class FlowInstance;

// A conversation that an input may name.
struct PinnedConversation {
  // The newest revision's source; workers get its content with their tasks.
  anabranch::v1::PayloadRef source;
  // The transcript's bytes.
  std::string bytes;
};

// What a flow may look up while its input is checked. Threads: any.
class PrepareContext {
 public:
  virtual ~PrepareContext() = default;
  // The newest revision; kNotFound (CONVERSATION_NOT_FOUND) when there is none.
  virtual absl::StatusOr<PinnedConversation> FindConversation(
      std::string_view conversation_id) = 0;
};

// What a start records beside the input.
struct PreparedStart {
  // Content pinned at the start, by name; see RunStarted.attachments.
  std::map<std::string, anabranch::v1::Payload> attachments;
};

// One flow. Everything the door needs to know of it.
struct FlowDefinition {
  // [a-z][a-z0-9_]*
  std::string name;
  std::string description;
  // JSON texts.
  std::string input_schema;
  std::string output_schema;
  std::string example;
  // Checks an input (JSON text) before anything is recorded: errors are
  // InvalidField with the field's path, or another status that says what to
  // do. May be empty: any JSON is accepted.
  std::function<absl::StatusOr<PreparedStart>(std::string_view input_json,
                                              PrepareContext& context)>
      prepare;
  // Makes a live flow, before its first event. Never null.
  std::function<std::unique_ptr<FlowInstance>()> create;
};

// Threads: const after the server has started.
class FlowRegistry {
 public:
  // `build_id` names this build of the flows in histories and reports.
  explicit FlowRegistry(std::string build_id)
      : build_id_(std::move(build_id)) {}

  // The name must be free. What its `prepare` throws is kInternal.
  void Register(FlowDefinition flow);

  // Nothing when there is no such flow.
  const FlowDefinition* Find(std::string_view name) const;

  // By name.
  std::vector<const FlowDefinition*> List() const;
  std::vector<std::string> Names() const;

  const std::string& build_id() const { return build_id_; }

 private:
  std::string build_id_;
  std::map<std::string, FlowDefinition, std::less<>> flows_;
};

}  // namespace anabranch::sdk
