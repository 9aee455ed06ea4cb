#include "orchestrator/rpc/rpc_fixture.h"

#include "base/proto_time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "sdk/flow_instance.h"

namespace anabranch::rpc {

sdk::FlowDefinition RpcTest::EchoFlow() {
  sdk::FlowDefinition flow;
  flow.name = "echo";
  flow.description = "Answers its input.";
  flow.input_schema = R"({"type":"object"})";
  flow.output_schema = "{}";
  flow.example = R"({"say":"hi"})";
  flow.prepare =
      [](std::string_view input,
         sdk::PrepareContext& context) -> absl::StatusOr<sdk::PreparedStart> {
    if (input.find("conversation") != std::string_view::npos) {
      auto found = context.FindConversation("missing");
      if (!found.ok()) return found.status();
    }
    if (input.find("bad") != std::string_view::npos) {
      return InvalidField("branches[1].name", "is used twice");
    }
    return sdk::PreparedStart();
  };
  flow.create = [] { return std::unique_ptr<sdk::FlowInstance>(); };
  return flow;
}

void RpcTest::Write(const std::function<void(log::BatchBuilder&)>& fill) {
  log::BatchBuilder builder;
  fill(builder);
  log::AppendRequest request;
  request.lease_epoch = log_.epoch().counter;
  request.expected_position = position_++;
  request.batch = builder.Take();
  log_.Append(std::move(request), [](log::AppendResult result) {
    ASSERT_EQ(result, log::AppendResult::kDurable);
  });
}

void RpcTest::WriteRun(const std::string& run_id, Uid uid,
                       api::RunState state) {
  Write([&](log::BatchBuilder& batch) {
    storage::v1::StatusRecord status;
    api::Run& run = *status.mutable_run();
    run.set_namespace_("default");
    run.set_run_id(run_id);
    run.set_flow("echo");
    run.set_state(state);
    run.set_uid(uid.ToHex());
    run.set_generation(1);
    run.mutable_input()->set_json_text(R"({"say":"hi"})");
    absl::Time created =
        absl::FromUnixSeconds(1000 + static_cast<int64_t>(uid.value));
    *run.mutable_create_time() = ToProto(created);
    int64_t& events = events_[uid.value];
    if (events == 0) {
      storage::v1::ActivationRecord activation;
      auto& event = *activation.add_events();
      event.set_event_id(++events);
      event.mutable_run_started()->set_run_id(run_id);
      batch.PutActivation(uid, activation);
    }
    if (state == api::RUN_STATE_COMPLETED) {
      run.mutable_result()->set_json_text("\"hi\"");
    }
    run.set_history_events(events);
    batch.PutStatus(uid, status);
    storage::v1::RunIndexRecord index;
    index.set_uid(uid.value);
    batch.PutRunIndex({"default", run_id}, index);
    batch.PutListing("default", created, uid);
  });
}

void RpcTest::WriteMarkers(const std::string& run_id, Uid uid, int count,
                           size_t bytes) {
  for (int i = 0; i < count; ++i) {
    Write([&](log::BatchBuilder& batch) {
      storage::v1::ActivationRecord activation;
      auto& event = *activation.add_events();
      event.set_event_id(++events_[uid.value]);
      event.mutable_marker_recorded()->set_name("marker");
      event.mutable_marker_recorded()->mutable_value()->set_text(
          std::string(bytes, 'x'));
      batch.PutActivation(uid, activation);
    });
  }
  WriteRun(run_id, uid, api::RUN_STATE_RUNNING);
}

std::string RpcTest::Reason(const grpc::Status& status) {
  google::rpc::Status rich;
  rich.ParseFromString(status.error_details());
  google::rpc::ErrorInfo info;
  for (const auto& detail : rich.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return status.ok() ? "OK" : "(none)";
}

}  // namespace anabranch::rpc
