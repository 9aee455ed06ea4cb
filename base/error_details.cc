#include "base/error_details.h"

#include <utility>

#include "absl/strings/cord.h"

namespace anabranch {
namespace {

constexpr char kPrefix[] = "type.googleapis.com/";

template <typename Message>
absl::string_view TypeUrl() {
  static const std::string* const url =
      new std::string(kPrefix + Message::descriptor()->full_name());
  return *url;
}

template <typename Message>
void Attach(absl::Status& status, const Message& detail) {
  // Not Cord(std::string&&): clang and the g++ that built Debian's Abseil
  // mangle that constructor differently.
  const std::string bytes = detail.SerializeAsString();
  status.SetPayload(TypeUrl<Message>(), absl::Cord(absl::string_view(bytes)));
}

template <typename Message>
bool Detail(const absl::Status& status, Message& detail) {
  auto payload = status.GetPayload(TypeUrl<Message>());
  return payload.has_value() && detail.ParseFromString(std::string(*payload));
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, std::string_view reason,
                       std::string_view message,
                       std::map<std::string, std::string> metadata) {
  absl::Status status(code, absl::string_view(message.data(), message.size()));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(kErrorDomain);
  for (auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  Attach(status, info);
  return status;
}

absl::Status InvalidField(std::string_view field, std::string_view problem) {
  return InvalidFields({{std::string(field), std::string(problem)}});
}

absl::Status InvalidFields(const std::vector<FieldProblem>& problems) {
  std::string message;
  google::rpc::BadRequest bad_request;
  for (const FieldProblem& problem : problems) {
    if (!message.empty()) message += "; ";
    message += problem.field + ": " + problem.problem;
    auto* violation = bad_request.add_field_violations();
    violation->set_field(problem.field);
    violation->set_description(problem.problem);
  }
  absl::Status status =
      MakeError(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", message,
                {{"field", problems.front().field}});
  Attach(status, bad_request);
  return status;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  google::rpc::RetryInfo info;
  int64_t seconds = absl::ToInt64Seconds(delay);
  info.mutable_retry_delay()->set_seconds(seconds);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(delay - absl::Seconds(seconds))));
  Attach(status, info);
  return status;
}

absl::Status WithPrecondition(absl::Status status, std::string_view type,
                              std::string_view subject,
                              std::string_view description) {
  google::rpc::PreconditionFailure failure;
  auto* violation = failure.add_violations();
  violation->set_type(std::string(type));
  violation->set_subject(std::string(subject));
  violation->set_description(std::string(description));
  Attach(status, failure);
  return status;
}

std::string ErrorReason(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  return Detail(status, info) ? info.reason() : "";
}

std::vector<FieldProblem> FieldProblems(const absl::Status& status) {
  google::rpc::BadRequest bad_request;
  std::vector<FieldProblem> problems;
  if (!Detail(status, bad_request)) return problems;
  for (const auto& violation : bad_request.field_violations()) {
    problems.push_back({violation.field(), violation.description()});
  }
  return problems;
}

}  // namespace anabranch
