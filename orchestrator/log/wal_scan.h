// Looks at RocksDB's write-ahead logs without RocksDB, to tell an honest torn
// tail from damage, which its recovery modes cannot.
//
// A log is a row of blocks of 32 KiB; records do not cross blocks:
//
//   bytes 0..3   CRC-32C of bytes 6.., masked, little-endian
//   bytes 4..5   length of the content, little-endian
//   byte  6      1 whole, 2 first, 3 middle, 4 last piece; 9 compression
//   bytes 7..    content
//
// One batch is one whole record, or pieces from a first to a last. The next
// batch is written only when the one before is synced. So whatever a crash
// leaves behind, no record begins after the first one that is not whole: where
// one does, something that was synced is gone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace anabranch::log {

struct WalReport {
  std::string path;
  uint64_t number = 0;
  // A batch begins in this log.
  bool has_batch = false;
  // Where its records end and, without a bad spot, nothing but zeros follows.
  int64_t end = 0;

  struct BadSpot {
    // Where in the file, in bytes.
    int64_t offset = 0;
    // In words: "the checksum does not fit".
    std::string how;
    // A batch begins after it, in the same file.
    bool batch_follows = false;
    // What is there is zeros; RocksDB skips those without a word.
    bool is_hole = false;
  };
  // The first one. Zeros up to the end of the file are a good end.
  std::optional<BadSpot> bad_spot;
};

// Reports on one log.
absl::StatusOr<WalReport> ScanWal(const std::string& path);

// On the logs of `folder`, oldest first.
absl::StatusOr<std::vector<WalReport>> ScanWals(const std::string& folder);

// The report whose bad spot is damage: a batch that begins after it, in the
// same log or a later one, proves that it is not the torn end of the last
// write. Null when there is none.
const WalReport* FindDamage(const std::vector<WalReport>& reports);

}  // namespace anabranch::log
