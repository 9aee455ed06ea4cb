// Children: what stands between parents and their child runs.
//
// A parent and its child may live in different shards: each shard's batch is
// atomic, the two together are not. So the parent's record demands, the
// child's shard answers, and both ask again when they recover. Messages get
// lost with the process, come twice, and overtake each other; every step is
// idempotent by (parent's generation, seq).
//
//   parent's record    what happens                 it becomes
//   –                  ChildScheduled               DEMANDED, told
//   DEMANDED           answer: started              STARTED; ChildStarted
//   DEMANDED, STARTED  answer: closed               –; (ChildStarted,)
//                                                   ChildClosed
//   DEMANDED, STARTED  ChildCancelRequested         the same, cancelling, told
//   STARTED            the parent closes, ABANDON   –
//   DEMANDED, STARTED  the parent closes otherwise  CLOSING(policy), told
//   CLOSING(policy)    answer to what it demands    –
//   CLOSING(policy)    answer: closed               –
//   –                  answer: started              – ; the child is disowned:
//                                                   told to end
//   any                answer: closed               the notice is taken
//
//   child's shard, asked for a child that…          does, and answers
//   does not exist, and is wanted                   starts it: started
//   does not exist, and is not wanted any more      nothing: closed
//   is open                                         what is demanded: started
//   is closed                                       closed
//   was started by somebody else                    nothing: closed (failed)
//   closes                                          keeps a notice until its
//                                                   parent has taken it: of the
//                                                   first end, if the child is
//                                                   retried meanwhile
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "anabranch/storage/v1/records.pb.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/run.pb.h"
#include "base/ids.h"
#include "orchestrator/shard/input.h"

namespace anabranch::shard {

// A child by its parent's generation and its number there.
struct ChildId {
  Uid parent;
  int64_t seq = 0;
  auto operator<=>(const ChildId&) const = default;
};

ChildId IdOf(const storage::v1::ChildRecord& record);
ChildId IdOf(const api::ParentLink& link);

// What a run started for that record says of its parent.
api::ParentLink LinkOf(const storage::v1::ChildRecord& record);

// What happens to the child when its parent closes; never unspecified.
api::ParentClosePolicy PolicyOf(const api::ChildScheduled& scheduled);

// True when a child that does not exist yet is to be started.
bool IsWanted(const storage::v1::ChildRecord& record);

// How a closed child ended, for its parent. `child` is closed.
api::ChildClosed ClosedOf(const api::Run& child);

// The end of a child that never began.
api::ChildClosed NeverStarted(const storage::v1::ChildRecord& record,
                              api::Failure failure);

// Records of one shard: its runs' children, and what its runs have to tell
// their parents. Under its shard's role.
struct Children {
  struct Notice {
    Uid child;
    storage::v1::ParentNoticeRecord record;
  };

  storage::v1::ChildRecord* Find(ChildId id);
  const Notice* FindNotice(ChildId id) const;
  // Children of one generation, by seq.
  std::vector<ChildId> Of(Uid parent) const;

  std::map<ChildId, storage::v1::ChildRecord> records;
  std::map<ChildId, Notice> notices;
};

}  // namespace anabranch::shard
