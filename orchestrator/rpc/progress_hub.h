// ProgressHub: streamed output of running attempts, on its way to watchers.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anabranch/v1/run_service.pb.h"
#include "base/ids.h"

namespace anabranch::rpc {

// How far a watcher has read, by activity.
struct ProgressPosition {
  int32_t attempt = 0;
  int64_t offset = 0;
};
using ProgressPositions = std::map<int64_t, ProgressPosition>;

// Keeps the last limits::kProgressBytesMax bytes of each attempt, of an
// activity's newest attempt only, and kProgressTotalBytesMax in all (the
// attempts longest silent go first). What is kept of a closed run goes when
// nobody watches it any more, and what its workers still send is not kept.
// Nothing here is ever stored.
// Threads: any.
class ProgressHub {
 public:
  // Output of `attempt` from byte `offset` on. Known bytes are skipped, an
  // earlier attempt's are dropped; a hole (after a restart of the server)
  // starts anew at `offset`.
  void Add(ActivityId activity, int32_t attempt, int64_t offset,
           std::string_view text);

  // A watcher comes and goes: what it reads is kept meanwhile.
  void Watch(Uid uid);
  void Unwatch(Uid uid);
  void RunClosed(Uid uid);

  // What follows `seen`, at most about `bytes_max` bytes, in pieces of whole
  // characters; a watcher that comes late starts with what is kept.
  std::vector<anabranch::v1::ActivityProgress> Read(
      Uid uid, const ProgressPositions& seen, size_t bytes_max);

  // Activities of the run of which something is kept, in order.
  std::vector<int64_t> Activities(Uid uid);

  size_t bytes();

 private:
  struct Attempt {
    int32_t attempt = 0;
    // Offset of the first kept byte.
    int64_t begin = 0;
    std::string text;
    std::list<ActivityId>::iterator age;
  };

  void Append(Attempt& attempt, int64_t offset, std::string_view text);
  void EvictOldest();
  void Drop(Uid uid);

  std::mutex mutex_;
  std::map<ActivityId, Attempt> attempts_;
  // Longest silent first.
  std::list<ActivityId> ages_;
  std::map<Uid, int> watchers_;
  // Closed and still watched.
  std::set<Uid> closing_;
  // The last kClosedMax that were closed, oldest first.
  std::set<Uid> closed_;
  std::deque<Uid> closed_order_;
  size_t bytes_ = 0;
};

}  // namespace anabranch::rpc
