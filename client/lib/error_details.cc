#include "client/lib/error_details.h"

#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace anabranch::client {
namespace {

constexpr char kTypeUrl[] = "type.googleapis.com/google.rpc.Status";

// Debian's Abseil was built by a compiler that mangles the constructor from
// std::string differently.
absl::Cord ToCord(const std::string& bytes) {
  return absl::Cord(absl::string_view(bytes.data(), bytes.size()));
}

template <typename Detail>
std::optional<Detail> As(const google::protobuf::Any& any) {
  Detail detail;
  if (!any.Is<Detail>() || !any.UnpackTo(&detail)) return std::nullopt;
  return detail;
}

void AddDetail(const google::protobuf::Any& any, ErrorDetails& details) {
  if (auto info = As<google::rpc::ErrorInfo>(any)) {
    details.reason = info->reason();
    details.domain = info->domain();
    for (const auto& [key, value] : info->metadata()) {
      details.metadata[key] = value;
    }
  } else if (auto retry = As<google::rpc::RetryInfo>(any)) {
    details.retry_delay = absl::Seconds(retry->retry_delay().seconds()) +
                          absl::Nanoseconds(retry->retry_delay().nanos());
  } else if (auto bad = As<google::rpc::BadRequest>(any)) {
    for (const auto& violation : bad->field_violations()) {
      details.field_violations.push_back(
          {violation.field(), violation.description()});
    }
  } else if (auto failure = As<google::rpc::PreconditionFailure>(any)) {
    for (const auto& violation : failure->violations()) {
      details.precondition_violations.push_back(violation.description());
    }
  }
}

void AddInfo(const std::string& reason,
             const std::map<std::string, std::string>& metadata,
             google::rpc::Status& rpc) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(kClientDomain);
  for (const auto& [key, value] : metadata) {
    (*info.mutable_metadata())[key] = value;
  }
  rpc.add_details()->PackFrom(info);
}

absl::Status WithDetails(absl::StatusCode code, const std::string& message,
                         google::rpc::Status& rpc) {
  rpc.set_code(static_cast<int>(code));
  rpc.set_message(message);
  absl::Status status(code, message);
  status.SetPayload(kTypeUrl, ToCord(rpc.SerializeAsString()));
  return status;
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // Both sides number the canonical codes alike.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()),
                      status.error_message());
  if (!status.error_details().empty()) {
    result.SetPayload(kTypeUrl, ToCord(status.error_details()));
  }
  return result;
}

absl::Status MakeError(absl::StatusCode code, const std::string& message,
                       const std::string& reason,
                       const std::map<std::string, std::string>& metadata) {
  google::rpc::Status rpc;
  AddInfo(reason, metadata, rpc);
  return WithDetails(code, message, rpc);
}

absl::Status MakeFieldError(const std::string& message,
                            const std::string& reason,
                            const std::vector<FieldViolation>& violations) {
  google::rpc::Status rpc;
  AddInfo(reason, {}, rpc);
  google::rpc::BadRequest bad;
  for (const FieldViolation& violation : violations) {
    auto& added = *bad.add_field_violations();
    added.set_field(violation.field);
    added.set_description(violation.description);
  }
  rpc.add_details()->PackFrom(bad);
  return WithDetails(absl::StatusCode::kInvalidArgument, message, rpc);
}

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails details;
  const auto payload = status.GetPayload(kTypeUrl);
  if (!payload.has_value()) return details;
  google::rpc::Status rpc;
  if (!rpc.ParseFromString(std::string(*payload))) return details;
  for (const google::protobuf::Any& any : rpc.details()) {
    AddDetail(any, details);
  }
  return details;
}

}  // namespace anabranch::client
