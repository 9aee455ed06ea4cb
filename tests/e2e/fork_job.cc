#include "tests/e2e/fork_job.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/lib/payload.h"

namespace anabranch::e2e {
namespace {

using Json = nlohmann::json;

void RemoveAccidents(Json& json) {
  if (json.is_object()) {
    json.erase("duration_ms");
    json.erase("request_id");
  }
  if (!json.is_structured()) return;
  for (Json& member : json) RemoveAccidents(member);
}

}  // namespace

absl::StatusOr<std::string> ImportTranscript(client::Client& client,
                                             const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot read " + path);
  v1::ImportConversationRequest request;
  request.mutable_source()->set_data(
      std::string(std::istreambuf_iterator<char>(file), {}));
  ASSIGN_OR_RETURN(const v1::ImportConversationResponse response,
                   client.ImportConversation(std::move(request)));
  return response.conversation().conversation_id();
}

absl::StatusOr<std::string> StartFlow(client::Client& client,
                                      const std::string& flow,
                                      const std::string& input) {
  v1::StartRunRequest request;
  request.set_flow(flow);
  *request.mutable_input() = client::JsonPayload(input);
  ASSIGN_OR_RETURN(const v1::StartRunResponse response,
                   client.StartRun(std::move(request)));
  return response.run().run_id();
}

absl::StatusOr<std::vector<v1::HistoryEvent>> ReadHistory(
    client::Client& client, const std::string& run_id) {
  std::vector<v1::HistoryEvent> events;
  v1::GetHistoryRequest request;
  request.set_run_id(run_id);
  do {
    ASSIGN_OR_RETURN(const v1::GetHistoryResponse page,
                     client.GetHistory(request));
    events.insert(events.end(), page.events().begin(), page.events().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return events;
}

std::map<int64_t, int> RecordedCalls(
    const std::vector<v1::HistoryEvent>& history, const std::string& type) {
  std::map<int64_t, int> recorded;
  for (const v1::HistoryEvent& event : history) {
    if (event.has_activity_scheduled() &&
        event.activity_scheduled().activity_type() == type) {
      recorded[event.activity_scheduled().seq()] = 0;
    }
    if (!event.has_activity_completed()) continue;
    const auto call = recorded.find(event.activity_completed().seq());
    if (call != recorded.end()) ++call->second;
  }
  return recorded;
}

absl::StatusOr<std::string> ResultOf(client::Client& client,
                                     const v1::Run& run) {
  if (run.state() != v1::RUN_STATE_COMPLETED) {
    return absl::FailedPreconditionError(absl::StrCat(
        "run ", run.run_id(), " is ", v1::RunState_Name(run.state()), ": ",
        run.failure().type(), " ", run.failure().message(), run.reason()));
  }
  return client.ResolveJson(run.result());
}

std::string WithoutAccidents(const std::string& result) {
  Json json = Json::parse(result, nullptr, false);
  RemoveAccidents(json);
  return json.dump(2);
}

}  // namespace anabranch::e2e
