#include "orchestrator/log/event_log.h"

namespace anabranch::log {

int64_t WriteBatch::Bytes() const {
  size_t bytes = 0;
  for (const Change& change : changes) {
    bytes += change.key.size();
    if (change.value.has_value()) bytes += change.value->size();
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace anabranch::log
