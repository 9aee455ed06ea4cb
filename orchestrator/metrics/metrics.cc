#include "orchestrator/metrics/metrics.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "base/proto_time.h"
#include "orchestrator/core/run_state.h"
#include "orchestrator/metrics/labelled.h"
#include "prometheus/counter.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

namespace anabranch::metrics {
namespace {

namespace api = anabranch::v1;
using prometheus::BuildCounter;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Histogram;
using prometheus::MetricFamily;
using prometheus::Registry;

using Buckets = Histogram::BucketBoundaries;

// From a synced write on a fast disk to a stuck one.
const Buckets& QuickSeconds() {
  static const Buckets buckets = {0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                  0.0025,  0.005,  0.01,    0.025,  0.05,
                                  0.1,     0.25,   0.5,     1,      5};
  return buckets;
}
// From a local activity to a model call of many minutes.
const Buckets& SlowSeconds() {
  static const Buckets buckets = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5,
                                  1,     2.5,   5,    10,   30,  60,
                                  120,   300,   600,  3600};
  return buckets;
}
const Buckets& Bytes() {
  static const Buckets buckets = {256,    1024,    4096,    16384,   65536,
                                  262144, 1048576, 4194304, 16777216};
  return buckets;
}

Labelled<Histogram>::Make WithBuckets(const Buckets& buckets) {
  return
      [&buckets](auto& family, const prometheus::Labels& labels) -> Histogram& {
        return family.Add(labels, buckets);
      };
}

// A family of gauges that is made anew for each scrape.
MetricFamily Gauges(const char* name, const char* help) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = prometheus::MetricType::Gauge;
  return family;
}

void Add(MetricFamily& family, const prometheus::Labels& labels, double value) {
  prometheus::ClientMetric metric;
  for (const auto& [name, text] : labels) metric.label.push_back({name, text});
  metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

// `name` without the prefix of its enum, in small letters.
std::string Short(std::string name, const std::string& prefix) {
  if (name.starts_with(prefix)) name.erase(0, prefix.size());
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

double SecondsBetween(const google::protobuf::Timestamp& from,
                      const google::protobuf::Timestamp& to) {
  return std::max(0.0, absl::ToDoubleSeconds(FromProto(to) - FromProto(from)));
}

void AddWorkers(const std::vector<api::Worker>& workers,
                std::vector<MetricFamily>& all) {
  MetricFamily counts = Gauges("anabranch_workers", "Workers by state");
  MetricFamily slots = Gauges("anabranch_worker_slots",
                              "Tasks that the workers can carry out at once");
  MetricFamily used =
      Gauges("anabranch_worker_slots_used", "Tasks that workers carry out");
  std::map<std::string, int64_t> by_state;
  int64_t slots_total = 0;
  int64_t slots_used = 0;
  for (const api::Worker& worker : workers) {
    ++by_state[Short(api::WorkerState_Name(worker.state()), "WORKER_STATE_")];
    slots_total += worker.slots();
    slots_used += worker.running();
  }
  for (const auto& [state, count] : by_state) {
    Add(counts, {{"state", state}}, static_cast<double>(count));
  }
  Add(slots, {}, static_cast<double>(slots_total));
  Add(used, {}, static_cast<double>(slots_used));
  all.push_back(std::move(counts));
  all.push_back(std::move(slots));
  all.push_back(std::move(used));
}

void AddTaskQueues(const std::vector<api::TaskQueue>& queues,
                   std::vector<MetricFamily>& all) {
  MetricFamily ready =
      Gauges("anabranch_task_queue_ready", "Tasks that wait for a worker");
  MetricFamily running = Gauges("anabranch_task_queue_running",
                                "Tasks of the queue that workers carry out");
  for (const api::TaskQueue& queue : queues) {
    const prometheus::Labels labels = {{"task_queue", queue.name()}};
    Add(ready, labels, static_cast<double>(queue.ready()));
    Add(running, labels, static_cast<double>(queue.running()));
  }
  all.push_back(std::move(ready));
  all.push_back(std::move(running));
}

}  // namespace

// All that is counted as it happens.
struct Metrics::Families {
  Registry registry;

  Counter& Count(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }
  Labelled<Counter> CountBy(const char* name, const char* help,
                            std::vector<std::string> labels) {
    return Labelled<Counter>(
        BuildCounter().Name(name).Help(help).Register(registry),
        std::move(labels));
  }
  Histogram& Measure(const char* name, const char* help, const Buckets& b) {
    return BuildHistogram().Name(name).Help(help).Register(registry).Add({}, b);
  }
  Labelled<Histogram> MeasureBy(const char* name, const char* help,
                                std::vector<std::string> labels,
                                const Buckets& buckets) {
    return Labelled<Histogram>(
        BuildHistogram().Name(name).Help(help).Register(registry),
        std::move(labels), WithBuckets(buckets));
  }

  Labelled<Counter> runs_started =
      CountBy("anabranch_runs_started_total", "Generations begun", {"flow"});
  Labelled<Counter> runs_closed =
      CountBy("anabranch_runs_closed_total", "Generations closed", {"state"});
  Counter& activations =
      Count("anabranch_activations_total", "Stimuli that flows have taken");
  Counter& events = Count("anabranch_events_total", "Events recorded");
  Labelled<Counter> attempts =
      CountBy("anabranch_activity_attempts_total",
              "Attempts granted to workers", {"activity_type"});
  Labelled<Counter> activities_closed =
      CountBy("anabranch_activities_closed_total", "Activities that ended",
              {"activity_type", "outcome"});
  Labelled<Counter> transitions =
      CountBy("anabranch_activity_transitions_total",
              "Rows taken of the activity machine: retries, timeouts, losses",
              {"transition"});
  Labelled<Histogram> to_start =
      MeasureBy("anabranch_activity_schedule_to_start_seconds",
                "From an activity's scheduling to its first attempt",
                {"activity_type"}, SlowSeconds());
  Labelled<Histogram> to_close =
      MeasureBy("anabranch_activity_schedule_to_close_seconds",
                "From an activity's scheduling to its result, retries included",
                {"activity_type"}, SlowSeconds());
  Labelled<Counter> tokens =
      CountBy("anabranch_tokens_total", "Tokens used", {"kind"});
  Counter& hits = Count("anabranch_flow_cache_hits_total",
                        "Open runs found in memory when needed");
  Counter& misses = Count("anabranch_flow_cache_misses_total",
                          "Open runs rebuilt from their history");
  Counter& replayed_events =
      Count("anabranch_replayed_events_total", "Events replayed");
  Histogram& replay_seconds =
      Measure("anabranch_replay_seconds", "Time of one replay", QuickSeconds());
  Histogram& batch_bytes =
      Measure("anabranch_batch_bytes", "Size of a synced batch", Bytes());
  Histogram& sync_seconds =
      Measure("anabranch_sync_seconds", "Time until a batch is durable",
              QuickSeconds());
};

Metrics::Metrics(Clock& clock, Sources sources)
    : clock_(clock),
      sources_(std::move(sources)),
      families_(std::make_unique<Families>()) {}

Metrics::~Metrics() = default;

void Metrics::Activated(const storage::v1::ActivationRecord& activation) {
  families_->activations.Increment();
  families_->events.Increment(activation.events_size());
  for (const auto& event : activation.events()) OnEvent(event);
}

void Metrics::OnEvent(const api::HistoryEvent& event) {
  switch (event.attributes_case()) {
    case api::HistoryEvent::kRunStarted:
      families_->runs_started.Of({event.run_started().flow()}).Increment();
      break;
    case api::HistoryEvent::kRunCompleted:
      return RunClosed("completed");
    case api::HistoryEvent::kRunFailed:
      return RunClosed("failed");
    case api::HistoryEvent::kRunCancelled:
      return RunClosed("cancelled");
    case api::HistoryEvent::kRunTerminated:
      return RunClosed("terminated");
    case api::HistoryEvent::kRunTimedOut:
      return RunClosed("timed_out");
    case api::HistoryEvent::kRunContinuedAsNew:
      return RunClosed("continued_as_new");
    case api::HistoryEvent::kActivityCompleted:
      return ActivityClosed(event, event.activity_completed().info(),
                            "completed");
    case api::HistoryEvent::kActivityFailed:
      return ActivityClosed(event, event.activity_failed().info(), "failed");
    case api::HistoryEvent::kActivityTimedOut:
      return ActivityClosed(event, event.activity_timed_out().info(),
                            "timed_out");
    case api::HistoryEvent::kActivityCancelled:
      return ActivityClosed(event, event.activity_cancelled().info(),
                            "cancelled");
    default:
      break;
  }
}

void Metrics::RunClosed(const char* state) {
  families_->runs_closed.Of({state}).Increment();
}

void Metrics::ActivityClosed(const api::HistoryEvent& event,
                             const api::ActivityInfo& info,
                             const char* outcome) {
  families_->activities_closed.Of({info.activity_type(), outcome}).Increment();
  families_->to_close.Of({info.activity_type()})
      .Observe(SecondsBetween(info.schedule_time(), event.event_time()));
}

void Metrics::Granted(const api::ActivityInfo& activity) {
  families_->attempts.Of({activity.activity_type()}).Increment();
  if (activity.attempt() != 1) return;
  families_->to_start.Of({activity.activity_type()})
      .Observe(SecondsBetween(activity.schedule_time(), activity.start_time()));
}

void Metrics::Moved(core::ActivityRow row) {
  families_->transitions.Of({core::NameOf(row)}).Increment();
}

void Metrics::Used(const std::string& usage_json) {
  api::UsageTotals used;
  core::AddUsage(used, usage_json);
  auto add = [this](const char* kind, int64_t count) {
    if (count > 0) {
      families_->tokens.Of({kind}).Increment(static_cast<double>(count));
    }
  };
  add("input", used.input_tokens());
  add("output", used.output_tokens());
  add("cache_read", used.cache_read_input_tokens());
  add("cache_creation", used.cache_creation_input_tokens());
}

void Metrics::RunNeeded(bool live) {
  (live ? families_->hits : families_->misses).Increment();
}

void Metrics::ReplayBegins() { replay_began_ = clock_.Steady(); }

void Metrics::ReplayEnds(int64_t events) {
  families_->replayed_events.Increment(static_cast<double>(events));
  families_->replay_seconds.Observe(
      absl::ToDoubleSeconds(clock_.Steady() - replay_began_));
}

void Metrics::Wrote(int64_t bytes, absl::Duration latency) {
  families_->batch_bytes.Observe(static_cast<double>(bytes));
  families_->sync_seconds.Observe(absl::ToDoubleSeconds(latency));
}

std::string Metrics::Text() {
  std::vector<MetricFamily> all = families_->registry.Collect();
  MetricFamily build = Gauges("anabranch_build_info", "Always 1");
  Add(build, {{"build", sources_.build_id}}, 1);
  all.push_back(std::move(build));
  MetricFamily open = Gauges("anabranch_runs_open", "Open runs by state");
  for (const auto& [state, count] : sources_.open_runs()) {
    Add(open, {{"state", Short(api::RunState_Name(state), "RUN_STATE_")}},
        static_cast<double>(count));
  }
  all.push_back(std::move(open));
  AddWorkers(sources_.workers(), all);
  AddTaskQueues(sources_.task_queues(), all);
  MetricFamily store = Gauges("anabranch_store", "The store's own numbers");
  for (const auto& [name, value] : sources_.store()) {
    Add(store, {{"property", name}}, static_cast<double>(value));
  }
  all.push_back(std::move(store));
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, all);
  return text.str();
}

}  // namespace anabranch::metrics
