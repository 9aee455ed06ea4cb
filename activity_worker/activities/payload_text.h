// Payloads as the bytes that activities work on.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "anabranch/v1/worker_stream.pb.h"

namespace anabranch::activity_worker {

// JSON becomes its text, text and data their bytes, nothing the empty string.
// InvalidArgument for a reference: a task never carries one.
absl::StatusOr<std::string> PayloadText(const v1::Payload& payload);

// The attachment's bytes; NotFound when the task has none of that name.
absl::StatusOr<std::string> AttachmentText(const v1::Task& task,
                                           std::string_view name);

}  // namespace anabranch::activity_worker
