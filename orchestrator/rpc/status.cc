#include "orchestrator/rpc/status.h"

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "google/rpc/status.pb.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

constexpr size_t kMessageBytesMax = 1200;
// Base64 and the message, which is sent twice, make it a third more.
constexpr size_t kDetailsBytesMax = 4096;

// Every error has a reason: one that nobody named gets its code's.
absl::Status Reasoned(const absl::Status& status) {
  return WithReason(status, absl::StatusCodeToString(status.code()));
}

bool IsErrorInfo(const google::protobuf::Any& detail) {
  return detail.type_url().find("ErrorInfo") != std::string::npos;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  absl::Status reasoned = Reasoned(status);
  absl::string_view text = reasoned.message();
  std::string message =
      Shortened(std::string_view(text.data(), text.size()), kMessageBytesMax);
  std::vector<google::protobuf::Any> details;
  reasoned.ForEachPayload([&](absl::string_view url, const absl::Cord& value) {
    google::protobuf::Any any;
    any.set_type_url(std::string(url));
    any.set_value(std::string(value));
    details.insert(IsErrorInfo(any) ? details.begin() : details.end(), any);
  });
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(reasoned.code()));
  rich.set_message(message);
  size_t bytes = 0;
  for (const google::protobuf::Any& detail : details) {
    bytes += detail.ByteSizeLong();
    if (bytes > kDetailsBytesMax) break;
    *rich.add_details() = detail;
  }
  return grpc::Status(static_cast<grpc::StatusCode>(reasoned.code()), message,
                      rich.SerializeAsString());
}

}  // namespace anabranch::rpc
