#include "orchestrator/log/lease_table.h"

namespace anabranch::log {

bool LeaseTable::Admit(const AppendRequest& request) {
  Lease& lease = leases_[request.shard];
  if (request.lease_epoch < lease.epoch) return false;
  if (request.lease_epoch > lease.epoch) {
    if (request.expected_position != 0) return false;
    lease = Lease{.epoch = request.lease_epoch, .position = 0};
  }
  if (request.expected_position != lease.position) return false;
  ++lease.position;
  return true;
}

}  // namespace anabranch::log
