#include "orchestrator/log/wal_scan.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <deque>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/status_macros.h"
#include "orchestrator/log/crc32c.h"
#include "orchestrator/log/errors.h"

namespace anabranch::log {
namespace {

constexpr int64_t kBlockBytes = 32 * 1024;
constexpr size_t kHeaderBytes = 7;

enum PieceType : unsigned char {
  kWhole = 1,
  kFirst = 2,
  kMiddle = 3,
  kLast = 4,
  kCompressionType = 9,
};

uint32_t LittleEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) {
    value = (value << 8) | static_cast<unsigned char>(bytes[i - 1]);
  }
  return value;
}

uint32_t Mask(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

bool IsZero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return c == '\0'; });
}

struct Piece {
  unsigned char type = 0;
  size_t bytes = 0;  // with its header
};

// The piece at the start of `rest`, what is left of its block; why there is
// none otherwise.
struct PieceOrWhy {
  std::optional<Piece> piece;
  const char* why = "";
};

PieceOrWhy ParsePiece(std::string_view rest) {
  if (rest.size() < kHeaderBytes) return {{}, "it is cut off"};
  auto type = static_cast<unsigned char>(rest[6]);
  if (!((type >= kWhole && type <= kLast) || type == kCompressionType)) {
    return {{}, "the type of the record is not known"};
  }
  size_t bytes = kHeaderBytes + LittleEndian(rest.substr(4, 2));
  if (bytes > rest.size()) return {{}, "the length of the record is too large"};
  std::string_view checked = rest.substr(6, bytes - 6);
  if (Mask(Crc32c(checked)) != LittleEndian(rest.substr(0, 4))) {
    return {{}, "the checksum does not fit"};
  }
  return {Piece{.type = type, .bytes = bytes}, ""};
}

// Reads a log block by block, without the zeros that the file system knows of.
class BlockReader {
 public:
  explicit BlockReader(const std::string& path)
      : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ >= 0) FindExtents();
  }
  ~BlockReader() {
    if (fd_ >= 0) close(fd_);
  }
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // The next block that may hold something; empty at the end. Valid until the
  // next call.
  absl::StatusOr<std::string_view> Next() {
    if (fd_ < 0) return UnreadableFile(path_, LastError());
    while (!extents_.empty() && extents_.front().end <= next_) {
      extents_.pop_front();
    }
    if (extents_.empty()) return std::string_view();
    next_ = std::max(next_, extents_.front().begin / kBlockBytes * kBlockBytes);
    ssize_t size = pread(fd_, buffer_.data(), buffer_.size(), next_);
    if (size < 0) return UnreadableFile(path_, LastError());
    if (size == 0) return UnreadableFile(path_, "it ends too early");
    offset_ = next_;
    next_ += kBlockBytes;
    return std::string_view(buffer_).substr(0, static_cast<size_t>(size));
  }
  // Where the block that Next() returned starts.
  int64_t offset() const { return offset_; }

 private:
  struct Extent {
    int64_t begin;
    int64_t end;
  };

  // Before anything is read: what is in the page cache counts as data.
  void FindExtents() {
    off_t begin = lseek(fd_, 0, SEEK_DATA);
    while (begin >= 0) {
      off_t end = lseek(fd_, begin, SEEK_HOLE);
      if (end < 0) break;
      extents_.push_back({begin, end});
      begin = lseek(fd_, end, SEEK_DATA);
    }
    if (errno == ENXIO) return;  // the end of the file
    // A file system that does not know: all of it.
    extents_ = {{0, lseek(fd_, 0, SEEK_END)}};
  }

  static std::string LastError() {
    return std::generic_category().message(errno);
  }

  std::string path_;
  int fd_;
  std::deque<Extent> extents_;
  std::string buffer_ = std::string(kBlockBytes, '\0');
  int64_t offset_ = 0;
  int64_t next_ = 0;
};

// Follows a log's records up to the first bad spot, and then looks for any
// that begins after it. Used for one log.
class WalScanner {
 public:
  explicit WalScanner(WalReport& report) : report_(report) {}

  void TakeBlock(std::string_view block, int64_t offset) {
    // A block that was left out was zeros.
    if (!ended_ && offset > end_) EndAt(end_);
    size_t at = 0;
    if (!ended_) {
      at = Follow(block, offset);
    } else if (!IsZero(block)) {
      SetBad(end_, "zeros stand where records were", true);
    }
    if (ended_) SearchBatch(block.substr(at));
  }

  // No more blocks.
  void Finish() {
    if (!ended_) EndAt(end_);
    report_.end = end_;
  }

 private:
  void SetBad(int64_t offset, std::string_view how, bool is_hole = false) {
    if (report_.bad_spot.has_value()) return;
    report_.bad_spot = {.offset = offset,
                        .how = std::string(how),
                        .batch_follows = false,
                        .is_hole = is_hole};
  }

  // Nothing but zeros is expected from here on.
  void EndAt(int64_t offset) {
    ended_ = true;
    end_ = offset;
    if (in_batch_) SetBad(offset, "a record is cut off");
  }

  // Returns where in the block it stopped; ended_ says that it did.
  size_t Follow(std::string_view block, int64_t offset) {
    size_t at = 0;
    while (block.size() - at >= kHeaderBytes) {
      std::string_view rest = block.substr(at);
      if (IsZero(rest.substr(0, kHeaderBytes))) {
        EndAt(offset + static_cast<int64_t>(at));
        if (!IsZero(rest)) SetBad(end_, "zeros stand where records were", true);
        return at;
      }
      auto [piece, why] = ParsePiece(rest);
      if (piece.has_value() && !Fits(*piece)) {
        piece.reset();
        why = "pieces of a record are missing";
      }
      if (!piece.has_value()) return StopAt(at, offset, why);
      Take(*piece);
      at += piece->bytes;
    }
    if (!IsZero(block.substr(at))) {
      return StopAt(at, offset, "the end of a block is not empty");
    }
    end_ = offset + kBlockBytes;
    // Only the last block is short.
    if (std::cmp_less(block.size(), kBlockBytes)) {
      EndAt(offset + static_cast<int64_t>(at));
    }
    return at;
  }

  size_t StopAt(size_t at, int64_t block_offset, std::string_view why) {
    ended_ = true;
    end_ = block_offset + static_cast<int64_t>(at);
    SetBad(end_, why);
    return at;
  }

  // A piece goes on with a batch exactly when one is open.
  bool Fits(const Piece& piece) const {
    if (piece.type == kCompressionType) return !in_batch_;
    return in_batch_ == (piece.type == kMiddle || piece.type == kLast);
  }

  void Take(const Piece& piece) {
    if (piece.type == kCompressionType) return;
    if (!in_batch_) report_.has_batch = true;
    in_batch_ = piece.type == kFirst || piece.type == kMiddle;
  }

  // Any place may be a beginning: a bad length hides where the next one is.
  void SearchBatch(std::string_view bytes) {
    if (!report_.bad_spot.has_value()) return;
    while (bytes.size() >= kHeaderBytes && !report_.bad_spot->batch_follows) {
      auto type = static_cast<unsigned char>(bytes[6]);
      if ((type == kWhole || type == kFirst) &&
          ParsePiece(bytes).piece.has_value()) {
        report_.bad_spot->batch_follows = true;
        report_.has_batch = true;
      }
      bytes.remove_prefix(1);
    }
  }

  WalReport& report_;
  // Where the next record is expected, or, ended, where it should have been.
  int64_t end_ = 0;
  bool ended_ = false;
  bool in_batch_ = false;
};

std::optional<uint64_t> WalNumber(const std::filesystem::path& path) {
  if (path.extension() != ".log") return std::nullopt;
  std::string stem = path.stem().string();
  uint64_t number = 0;
  auto [end, error] =
      std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (error != std::errc() || end != stem.data() + stem.size()) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

absl::StatusOr<WalReport> ScanWal(const std::string& path) {
  WalReport report;
  report.path = path;
  report.number = WalNumber(path).value_or(0);
  BlockReader reader(path);
  WalScanner scanner(report);
  while (true) {
    ASSIGN_OR_RETURN(std::string_view block, reader.Next());
    if (block.empty()) break;
    scanner.TakeBlock(block, reader.offset());
  }
  scanner.Finish();
  return report;
}

absl::StatusOr<std::vector<WalReport>> ScanWals(const std::string& folder) {
  std::vector<WalReport> reports;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end;
       !error && it != end; it.increment(error)) {
    if (!WalNumber(it->path()).has_value()) continue;
    ASSIGN_OR_RETURN(WalReport report, ScanWal(it->path().string()));
    reports.push_back(std::move(report));
  }
  if (error) return UnreadableFile(folder, error.message());
  std::sort(reports.begin(), reports.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  return reports;
}

const WalReport* FindDamage(const std::vector<WalReport>& reports) {
  const WalReport* bad = nullptr;
  for (const WalReport& report : reports) {
    if (bad != nullptr && report.has_batch) return bad;
    if (bad == nullptr && report.bad_spot.has_value()) {
      if (report.bad_spot->batch_follows) return &report;
      bad = &report;
    }
  }
  return nullptr;
}

}  // namespace anabranch::log
