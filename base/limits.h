// Every bound and period of the engine, each with its unit and its reason.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace anabranch::limits {

// Payloads larger than this are stored once under their hash.
inline constexpr int64_t kInlinePayloadBytesMax = 4 * 1024;
// No answer exceeds this: stock gRPC clients refuse 4 MiB.
inline constexpr int64_t kAnswerBytesMax = 3 * 1024 * 1024;
// What the server receives in one message: transcripts and a margin.
inline constexpr int64_t kRequestBytesMax = 33 * 1024 * 1024;
// One transcript, input, signal or result.
inline constexpr int64_t kPayloadBytesMax = 32 * 1024 * 1024;
// Pieces of large stream messages: control messages overtake between them.
inline constexpr int64_t kFragmentBytesMax = 64 * 1024;
// A worker's message is put together from fragments up to this.
inline constexpr int64_t kStreamMessageBytesMax = 34 * 1024 * 1024;
// Heartbeat details of an activity.
inline constexpr int64_t kHeartbeatDetailsBytesMax = 64 * 1024;

// One activation: more means that the flow is stuck in a loop.
inline constexpr int kActivationCommandsMax = 10'000;
inline constexpr int64_t kActivationBytesMax = 16 * 1024 * 1024;
// Open activities and timers of one run.
inline constexpr int kOpenActivitiesPerRunMax = 10'000;
inline constexpr int kOpenTimersPerRunMax = 10'000;
inline constexpr int kOpenChildrenPerRunMax = 1'000;
// A history longer than this suggests to its flow that it continue as new.
inline constexpr int64_t kContinueAsNewSuggestedEvents = 10'000;
// Generations that one run may begin in one round: a flow that does nothing
// but continue as new must not hold the others up.
inline constexpr int kGenerationsPerRoundMax = 16;
// Values that a flow publishes: more names are refused.
inline constexpr int kPublishedValuesMax = 100;
// Signals that come with one start.
inline constexpr int kStartSignalsMax = 100;
// Signals that a run has not read: more are refused until it reads some.
inline constexpr int kUnreadSignalsMax = 10'000;
// A flow that does not come back from one event or query for this long takes
// the process down, and is BLOCKED when it does so twice at one place.
inline constexpr absl::Duration kFlowWatchdog = absl::Seconds(5);
inline constexpr int kFlowDeathsMax = 2;
// Signals and results that wait for a BLOCKED run.
inline constexpr int kMailboxMax = 10'000;
// Live flows kept in memory; the rest is rebuilt by replay.
inline constexpr int kLiveFlowsDefault = 1'000;

// Inputs taken by one tick, so that one batch stays small.
inline constexpr int kInputsPerTickMax = 1'024;
// Timers fired by one tick: the rest waits for the next batch.
inline constexpr int kTimersPerTickMax = 1'024;
// Inputs of clients that wait for a tick; beyond, RESOURCE_EXHAUSTED. Results
// and timers are never refused.
inline constexpr int kInboxMax = 100'000;

// Workers.
inline constexpr int kSlotsPerWorkerMax = 10'000;
inline constexpr int kActivityTypesPerWorkerMax = 1'000;
inline constexpr absl::Duration kBeatInterval = absl::Milliseconds(500);
// A silent stream gets nothing new after this.
inline constexpr absl::Duration kSuspectAfter = absl::Seconds(2);
// A silent stream is given up after this: a false death is paid for.
inline constexpr absl::Duration kLostAfter = absl::Seconds(10);
// A closed stream has this long to come back.
inline constexpr absl::Duration kReconnectGrace = absl::Seconds(2);
// After a restart, or a gap or jump of time over kTimeGap, nothing in flight
// is dispatched again and no timeout is decided for this long.
inline constexpr absl::Duration kRecoveryGrace = absl::Seconds(10);
inline constexpr absl::Duration kTimeGap = absl::Seconds(2);

// Task queues with settings.
inline constexpr int kTaskQueuesMax = 1'000;
inline constexpr int kTaskQueuesPerWorkerMax = 100;
inline constexpr int kConcurrencyKeysPerQueueMax = 1'000;
// Priorities of activities: 1 is first.
inline constexpr int kPriorityDefault = 3;
inline constexpr int kPriorityMax = 5;

// Runs that a batch deals with in one round, beside everything else.
inline constexpr int kBatchRunsPerRoundMax = 50;
inline constexpr int kBatchFailuresShownMax = 20;
// Runs that one round looks at for all batches: reading one's status costs some
// 10 µs, and everything else of the shard waits meanwhile.
inline constexpr int kBatchLooksPerRoundMax = 500;
// Batches at once: each has its share of a round.
inline constexpr int kOpenBatchesMax = 100;
// Runs that one page of ListRuns looks at: a filter that matches few must not
// hold a thread for long. The page is then short, its token says where it goes
// on.
inline constexpr int kListRunsLookedAtMax = 5'000;
// Keys that one round deletes for DeleteRun, beside everything else.
inline constexpr int kDeletedKeysPerRoundMax = 512;
// AIP-160 filters.
inline constexpr int kFilterBytesMax = 4 * 1024;
inline constexpr int kFilterDepthMax = 32;

// A worker's own delay before the next attempt: longer is taken as this.
inline constexpr absl::Duration kWorkerDelayMax = absl::Hours(24 * 7);

// Streamed output kept per attempt for watchers that come late.
inline constexpr int64_t kProgressBytesMax = 256 * 1024;

// Below this much free disk mutating calls are refused; results are not.
inline constexpr int64_t kSpaceReserveBytes = 512LL * 1024 * 1024;

// Longest id of a run, flow, signal, conversation.
inline constexpr int kIdBytesMax = 128;
// Paging (AIP-158).
inline constexpr int kPageSizeDefault = 50;
inline constexpr int kPageSizeMax = 1'000;

}  // namespace anabranch::limits
