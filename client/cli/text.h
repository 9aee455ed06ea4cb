// How things look to people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace anabranch::cli {

// One line without control characters: nothing from outside moves the cursor
// or colours the terminal.
std::string OneLine(std::string_view text);

// Likewise, but line feeds and tabs stay.
std::string Printable(std::string_view text);

// Columns that the text takes on a terminal.
int DisplayWidth(std::string_view text);

// At most `width` columns, "…" at the end when something is missing. 0 is
// unlimited.
std::string Truncate(std::string_view text, int width);

absl::Time FromProto(const google::protobuf::Timestamp& time);
absl::Duration FromProto(const google::protobuf::Duration& duration);

// "2026-11-23 20:25:49"; "-" when unset.
std::string FormatTime(const google::protobuf::Timestamp& time,
                       absl::TimeZone zone);
// "20:25:49.123".
std::string FormatClock(const google::protobuf::Timestamp& time,
                        absl::TimeZone zone);
// "850 ms", "1.2 s", "3 m 20 s".
std::string HumanDuration(absl::Duration duration);
// "512 B", "1.4 KiB".
std::string FormatBytes(int64_t bytes);
// Indented; as it stands when it cannot be read.
std::string PrettyJson(const std::string& json);

// "RUN_STATE_COMPLETED" → "COMPLETED".
std::string ShortEnum(const std::string& name, std::string_view prefix);

// Aligned columns. The last columns give way until the table fits.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  void Add(std::vector<std::string> row);
  // Lines without trailing blanks; `width` 0 is unlimited.
  std::string Render(int width) const;

 private:
  std::vector<int> Widths(int width) const;

  std::vector<std::vector<std::string>> rows_;
};

}  // namespace anabranch::cli
