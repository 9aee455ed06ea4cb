// Labelled: the metrics of one family by their labels' values, found quickly,
// and bounded: values come from users.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "prometheus/family.h"

namespace anabranch::metrics {

// Metrics stay for ever, so values that grow without end would fill the memory
// here and in Prometheus: later ones are counted as `other`.
inline constexpr size_t kLabelValuesMax = 500;

// Threads: one; the metrics themselves may be read by any.
template <typename Metric>
class Labelled {
 public:
  using Values = std::vector<std::string>;
  using Family = prometheus::Family<Metric>;
  using Make = std::function<Metric&(Family&, const prometheus::Labels&)>;

  // `make` adds the metric with these labels to the family.
  Labelled(
      Family& family, std::vector<std::string> names,
      Make make = [](Family& family, const prometheus::Labels& labels)
          -> Metric& { return family.Add(labels); })
      : family_(family), names_(std::move(names)), make_(std::move(make)) {}

  // As many values as there are names.
  Metric& Of(const Values& values) {
    if (auto it = metrics_.find(values); it != metrics_.end()) {
      return *it->second;
    }
    const bool full = metrics_.size() >= kLabelValuesMax;
    const Values used = full ? Values(names_.size(), "other") : values;
    Metric*& metric = metrics_[used];
    if (metric == nullptr) metric = &make_(family_, LabelsOf(used));
    return *metric;
  }

 private:
  prometheus::Labels LabelsOf(const Values& values) const {
    prometheus::Labels labels;
    for (size_t i = 0; i < names_.size(); ++i) labels[names_[i]] = values[i];
    return labels;
  }

  Family& family_;
  const std::vector<std::string> names_;
  const Make make_;
  std::map<Values, Metric*> metrics_;
};

}  // namespace anabranch::metrics
