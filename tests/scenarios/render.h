// Renderer: events, runs and payloads as lines that are the same in every
// world in which the same happens.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/payload.pb.h"
#include "anabranch/v1/run.pb.h"
#include "anabranch/v1/worker.pb.h"
#include "anabranch/v1/worker_stream.pb.h"

namespace anabranch::scenarios {

// Shows every field that is set, but for those of kSkipped and for options that
// have their default: a new field shows up in scenarios by itself.
// Threads: one.
class Renderer {
 public:
  // Times are shown as what has passed since `origin`.
  explicit Renderer(absl::Time origin) : origin_(origin) {}

  // One line for each event; a row of events that differ in numbers alone is
  // one line with the first and last of them.
  std::vector<std::string> History(const std::vector<v1::HistoryEvent>& events);

  // One line for each field.
  std::vector<std::string> Run(const v1::Run& run);

  std::string Worker(const v1::Worker& worker) const;

  std::string Payload(const v1::Payload& payload) const;

  // What a task has beside its input; begins with a space, may be empty.
  std::string TaskExtras(const v1::Task& task) const;

  // "+5s"
  std::string Time(absl::Time time) const;

  // `text` with drawn numbers replaced by names: the same number has the same
  // name throughout.
  std::string Stable(const std::string& text);

 private:
  std::string Event(const v1::HistoryEvent& event) const;
  std::string NameOf(const std::string& kind, const std::string& drawn);

  absl::Time origin_;
  std::map<std::string, std::string> names_;
  std::map<std::string, int> counts_;
};

}  // namespace anabranch::scenarios
