// RocksDB's settings, and its errors in the project's words.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rocksdb/options.h"
#include "rocksdb/status.h"

namespace anabranch::log {

// For one store: little memory when idle, synced small writes under load.
rocksdb::Options MakeRocksDbOptions(rocksdb::Env* env);

// What `status`, which is not ok, means for the store in `folder`.
absl::Status ToAbsl(const rocksdb::Status& status, std::string_view folder);

}  // namespace anabranch::log
