// FlowSlot: which flow runs now, in a file that outlives the process.
//
// A flow is its author's code: it can crash the process, or spin until the
// watchdog ends it. The next start must know where that was. The file is one
// page mapped into memory, so that a mark costs a few stores and no system
// call; the kernel keeps it when the process dies, however it dies.
//
//   offset  bytes
//        0      8  "ABFLOW01"
//        8      8  beat: grows at each entry and each return, so that it is
//                  odd while a flow runs
//       16      8  generation (uid) of the run
//       24      8  event that it works on; 0 for a query, 2^63-1 for its
//                  eviction
//       32      8  deaths there, while the death that the mark tells of is
//                  being counted; else 0
//       40    256  build of the flows, 0-padded
//      296    256  run and flow, for people, 0-padded
//
// Numbers are in the machine's byte order. A file that does not start like
// this is taken for empty: the worst that follows is a death not counted.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/ids.h"

namespace anabranch::shard {

// Where a flow's code runs: an event of a generation, or, with event 0, a
// query of it, or, with kEviction, the destructors of its locals when it is
// taken out of memory.
struct FlowPlace {
  static constexpr int64_t kEviction = std::numeric_limits<int64_t>::max();

  Uid uid;
  int64_t event_id = 0;
  auto operator<=>(const FlowPlace&) const = default;
};

// What the flow is at there, for people: "event 9", "a query", "its eviction".
std::string WorkAt(const FlowPlace& place);

// Threads: Enter, Leave, Describe and the start on the shard's role; the
// watchdog's questions (beat, place, description) from any.
class FlowSlot {
 public:
  // What a process that died within a flow left behind.
  struct Mark {
    FlowPlace place;
    std::string build_id;
    std::string description;
    // Not 0 when a start before this one died while it counted.
    int32_t deaths = 0;
  };

  // Name of the file within the data folder.
  static constexpr char kFileName[] = "flow-slot";

  // Opens or makes the file. `build_id` is the build that writes from now on.
  static absl::StatusOr<std::unique_ptr<FlowSlot>> Open(
      const std::string& path, std::string_view build_id);
  // Without a file: what is left behind only Reopen finds.
  static absl::StatusOr<std::unique_ptr<FlowSlot>> InMemory(
      std::string_view build_id);
  // What the next process does when it opens the file; for tests.
  void Reopen(std::string_view build_id);

  ~FlowSlot();
  FlowSlot(const FlowSlot&) = delete;
  FlowSlot& operator=(const FlowSlot&) = delete;

  // The mark that was found, until Clear. No flow may run before.
  const std::optional<Mark>& found() const { return found_; }
  // The death is being counted as that one: a start that dies meanwhile does
  // not make two of it.
  void SetDeaths(int32_t deaths);
  // The death is counted, durably.
  void Clear();

  // Whose flow runs in what follows, for people.
  void Describe(std::string_view description);
  void Enter(FlowPlace place);
  void Leave();

  // Odd while a flow runs; another number at each entry.
  uint64_t beat() const;
  FlowPlace place() const;
  std::string description() const;
  const std::string& build_id() const { return build_id_; }

 private:
  struct Page;
  FlowSlot(Page* page, std::string_view build_id) : page_(page) {
    Reopen(build_id);
  }
  static absl::StatusOr<std::unique_ptr<FlowSlot>> Map(
      int fd, std::string_view build_id);

  Page* const page_;
  std::string build_id_;
  std::optional<Mark> found_;
};

}  // namespace anabranch::shard
