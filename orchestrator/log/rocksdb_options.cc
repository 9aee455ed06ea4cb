#include "orchestrator/log/rocksdb_options.h"

#include "orchestrator/log/errors.h"
#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"

namespace anabranch::log {
namespace {

constexpr size_t kWriteBufferBytes = size_t{64} << 20;
constexpr size_t kBlockCacheBytes = size_t{16} << 20;
constexpr int kOpenFilesMax = 256;

rocksdb::BlockBasedTableOptions TableOptions() {
  rocksdb::BlockBasedTableOptions table;
  // Two shards: the default's many cost memory when idle.
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes, 1);
  table.block_size = size_t{16} << 10;
  // Most point reads ask for what is not there: a new payload, a new id.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  return table;
}

void KeepThreadsFew(rocksdb::Options& options) {
  options.max_background_jobs = 2;
  options.max_file_opening_threads = 1;
  options.max_open_files = kOpenFilesMax;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = size_t{1} << 20;
}

}  // namespace

rocksdb::Options MakeRocksDbOptions(rocksdb::Env* env) {
  rocksdb::Options options;
  options.env = env;
  options.create_if_missing = true;
  KeepThreadsFew(options);
  options.write_buffer_size = kWriteBufferBytes;
  // Records repeat themselves: a third of the bytes per synced write.
  options.wal_compression = rocksdb::kZSTD;
  // Recycled logs can only be read by skipping damage.
  options.recycle_log_file_num = 0;
  options.compression = rocksdb::kLZ4Compression;
  options.bottommost_compression = rocksdb::kZSTD;
  options.level_compaction_dynamic_level_bytes = true;
  options.table_factory.reset(
      rocksdb::NewBlockBasedTableFactory(TableOptions()));
  return options;
}

absl::Status ToAbsl(const rocksdb::Status& status, std::string_view folder) {
  std::string text = status.ToString();
  if (status.IsCorruption()) return DamagedStore(folder, text);
  if (status.IsNoSpace()) return NoSpace(folder);
  if (text.find("Permission denied") != std::string::npos ||
      text.find("Read-only file system") != std::string::npos) {
    return UnwritableFolder(folder, text);
  }
  return StoreFailed(folder, text);
}

}  // namespace anabranch::log
