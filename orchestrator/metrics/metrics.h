// Metrics: what happens in the orchestrator, as numbers for Prometheus. The
// names are listed in docs/metrics.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "anabranch/v1/run.pb.h"
#include "anabranch/v1/worker.pb.h"
#include "base/clock.h"
#include "orchestrator/shard/observer.h"

namespace anabranch::metrics {

// What is asked anew at each scrape. Threads: any.
struct Sources {
  std::string build_id;
  std::function<std::vector<anabranch::v1::Worker>()> workers;
  std::function<std::vector<anabranch::v1::TaskQueue>()> task_queues;
  // Open runs by state; may be costly.
  std::function<std::map<anabranch::v1::RunState, int64_t>()> open_runs;
  // The store's own numbers, by name.
  std::function<std::map<std::string, int64_t>()> store;
};

// Threads: Observer's methods on the shard's thread, Text on any.
class Metrics : public shard::Observer {
 public:
  Metrics(Clock& clock, Sources sources);
  ~Metrics() override;

  // All of it in Prometheus' text format.
  std::string Text();

  void Activated(const storage::v1::ActivationRecord& activation) override;
  void Granted(const anabranch::v1::ActivityInfo& activity) override;
  void Moved(core::ActivityRow row) override;
  void Used(const std::string& usage_json) override;
  void RunNeeded(bool live) override;
  void ReplayBegins() override;
  void ReplayEnds(int64_t events) override;
  void Wrote(int64_t bytes, absl::Duration latency) override;

 private:
  struct Families;
  void OnEvent(const anabranch::v1::HistoryEvent& event);
  void ActivityClosed(const anabranch::v1::HistoryEvent& event,
                      const anabranch::v1::ActivityInfo& info,
                      const char* outcome);
  void RunClosed(const char* state);

  Clock& clock_;
  const Sources sources_;
  std::unique_ptr<Families> families_;
  absl::Duration replay_began_;
};

}  // namespace anabranch::metrics
