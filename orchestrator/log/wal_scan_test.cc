#include "orchestrator/log/wal_scan.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "orchestrator/log/crc32c.h"

namespace anabranch::log {
namespace {

constexpr char kWhole = 1;
constexpr char kFirst = 2;
constexpr char kMiddle = 3;
constexpr char kLast = 4;
constexpr size_t kBlockBytes = 32 * 1024;

// A piece as RocksDB writes it.
std::string Piece(char type, const std::string& content) {
  std::string checked = type + content;
  uint32_t crc = Crc32c(checked);
  crc = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  std::string piece;
  for (int i = 0; i < 4; ++i) piece += static_cast<char>(crc >> (8 * i));
  piece += static_cast<char>(content.size() & 0xff);
  piece += static_cast<char>(content.size() >> 8);
  return piece + checked;
}

// A piece that takes up exactly `bytes`.
std::string PieceOf(char type, size_t bytes) {
  return Piece(type, std::string(bytes - 7, 'x'));
}

class WalScanTest : public ::testing::Test {
 protected:
  WalScanTest() {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = ::testing::TempDir() + "/wal_scan_" + info->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }

  WalReport Scan(const std::string& content) {
    return ScanWal(Write("000001.log", content)).value();
  }
  std::string Write(const std::string& name, const std::string& content) {
    std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  std::string folder_;
};

std::string Flip(std::string content, size_t at) {
  content[at] = static_cast<char>(content[at] ^ 1);
  return content;
}

TEST_F(WalScanTest, WholeLogsAreGood) {
  EXPECT_FALSE(Scan("").bad_spot.has_value());
  EXPECT_FALSE(Scan(std::string(100'000, '\0')).bad_spot.has_value());
  std::string log = Piece(9, "zstd") + Piece(kWhole, "abc");
  WalReport report = Scan(log);
  EXPECT_FALSE(report.bad_spot.has_value());
  EXPECT_TRUE(report.has_batch);
  EXPECT_EQ(report.end, static_cast<int64_t>(log.size()));
  EXPECT_EQ(report.number, 1u);
  report = Scan(log + std::string(100'000, '\0'));
  EXPECT_FALSE(report.bad_spot.has_value());
  EXPECT_EQ(report.end, static_cast<int64_t>(log.size()));
}

TEST_F(WalScanTest, PiecesFillBlocks) {
  std::string log = PieceOf(kWhole, kBlockBytes - 3) + std::string(3, '\0') +
                    PieceOf(kFirst, kBlockBytes) +
                    PieceOf(kMiddle, kBlockBytes) + PieceOf(kLast, 100) +
                    Piece(kWhole, "");
  WalReport report = Scan(log);
  EXPECT_FALSE(report.bad_spot.has_value());
  EXPECT_EQ(report.end, static_cast<int64_t>(log.size()));
}

TEST_F(WalScanTest, OnlyACompressionRecordIsNoBatch) {
  EXPECT_FALSE(Scan(Piece(9, "zstd")).has_batch);
}

TEST_F(WalScanTest, ABadLastBatchIsATornTail) {
  std::string first = Piece(kWhole, "first");
  std::string second = Piece(kWhole, "second");
  for (size_t at = 0; at < second.size(); ++at) {
    WalReport report = Scan(first + Flip(second, at));
    ASSERT_TRUE(report.bad_spot.has_value()) << at;
    EXPECT_EQ(report.bad_spot->offset, static_cast<int64_t>(first.size()));
    EXPECT_FALSE(report.bad_spot->batch_follows);
  }
  for (size_t size = 1; size < second.size(); ++size) {
    WalReport report = Scan(first + second.substr(0, size));
    EXPECT_TRUE(report.bad_spot.has_value()) << size;
    EXPECT_EQ(FindDamage({report}), nullptr);
  }
}

TEST_F(WalScanTest, ABadSpotThatABatchFollowsIsDamage) {
  std::string first = Piece(kWhole, "first");
  std::string second = Piece(kWhole, "second");
  std::string rest = Piece(kWhole, "third");
  for (size_t at = 0; at < second.size(); ++at) {
    WalReport report = Scan(absl::StrCat(first, Flip(second, at), rest));
    ASSERT_TRUE(report.bad_spot.has_value()) << at;
    EXPECT_EQ(report.bad_spot->offset, static_cast<int64_t>(first.size()));
    EXPECT_TRUE(report.bad_spot->batch_follows) << at;
    EXPECT_FALSE(report.bad_spot->is_hole);
  }
}

TEST_F(WalScanTest, LaterPiecesOfTheTornBatchProveNothing) {
  std::string log = PieceOf(kWhole, 1000);
  log += Flip(PieceOf(kFirst, kBlockBytes - 1000), 500);
  log += PieceOf(kMiddle, kBlockBytes) + PieceOf(kLast, 100);
  WalReport report = Scan(log);
  ASSERT_TRUE(report.bad_spot.has_value());
  EXPECT_EQ(report.bad_spot->offset, 1000);
  EXPECT_FALSE(report.bad_spot->batch_follows);
  EXPECT_TRUE(Scan(log + Piece(kWhole, "next")).bad_spot->batch_follows);
}

TEST_F(WalScanTest, ABatchWithoutItsEndIsTorn) {
  std::string log = PieceOf(kFirst, kBlockBytes);
  WalReport report = Scan(log);
  ASSERT_TRUE(report.bad_spot.has_value());
  EXPECT_FALSE(report.bad_spot->batch_follows);
  EXPECT_TRUE(Scan(log + Piece(kWhole, "next")).bad_spot->batch_follows);
}

TEST_F(WalScanTest, ZerosThatABatchFollowsAreAHole) {
  std::string log = PieceOf(kWhole, 1000);
  for (size_t zeros : {kBlockBytes - 1000, 4 * kBlockBytes - 1000}) {
    WalReport report =
        Scan(log + std::string(zeros, '\0') + Piece(kWhole, "next"));
    ASSERT_TRUE(report.bad_spot.has_value());
    EXPECT_EQ(report.bad_spot->offset, 1000);
    EXPECT_TRUE(report.bad_spot->is_hole);
    EXPECT_TRUE(report.bad_spot->batch_follows);
  }
}

TEST_F(WalScanTest, AHoleThatTheFileSystemKnowsIsSeenToo) {
  std::string path = Write("000001.log", PieceOf(kWhole, 1000));
  std::filesystem::resize_file(path, 8 * kBlockBytes);
  std::ofstream(path, std::ios::binary | std::ios::app)
      << Piece(kWhole, "next");
  WalReport report = ScanWal(path).value();
  ASSERT_TRUE(report.bad_spot.has_value());
  EXPECT_TRUE(report.bad_spot->batch_follows);
}

TEST_F(WalScanTest, ABatchInALaterLogMakesATornTailDamage) {
  Write("000009.log", Piece(kWhole, "a") + Flip(Piece(kWhole, "b"), 3));
  Write("000010.log", Piece(9, "zstd"));
  Write("other.log", "text");
  auto reports = ScanWals(folder_).value();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(FindDamage(reports), nullptr);
  Write("000010.log", Piece(9, "zstd") + Piece(kWhole, "c"));
  reports = ScanWals(folder_).value();
  ASSERT_EQ(FindDamage(reports), &reports[0]);
}

TEST_F(WalScanTest, AMissingLogIsUnreadable) {
  EXPECT_EQ(ScanWal(folder_ + "/000001.log").status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace anabranch::log
