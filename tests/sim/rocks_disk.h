// Disk of the second world: RocksDB as in production, on a file system that
// forgets at a crash what was not synced.
#pragma once

#include <memory>

#include "tests/sim/disk.h"

namespace anabranch::sim {

// In a temporary folder of its own. Knows no backups.
std::unique_ptr<Disk> RocksDisk(World& world);

}  // namespace anabranch::sim
