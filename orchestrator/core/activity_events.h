// The events that close an activity, made from its record.
#pragma once

#include <string>

#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"

namespace anabranch::core {

namespace api = anabranch::v1;

// `result` is small or a reference.
api::HistoryEvent CompletedEvent(const storage::v1::ActivityRecord& record,
                                 const api::Payload& result,
                                 const std::string& usage_json);
// In the record's last failure; `why` there is no further attempt.
api::HistoryEvent FailedEvent(const storage::v1::ActivityRecord& record,
                              api::RetryState why);
api::HistoryEvent TimedOutEvent(const storage::v1::ActivityRecord& record,
                                api::TimeoutType type, api::RetryState why);
api::HistoryEvent CancelledEvent(const storage::v1::ActivityRecord& record);

}  // namespace anabranch::core
