#include "client/cli/text.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"

namespace anabranch::cli {
namespace {

constexpr int kGap = 2;
// A column that gives way keeps at least this.
constexpr int kColumnMin = 8;

// One code point with its bytes; damaged bytes stand for themselves.
struct Character {
  char32_t code;
  std::string_view bytes;
};

Character NextCharacter(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  size_t size = first < 0x80   ? 1
                : first < 0xC0 ? 0
                : first < 0xE0 ? 2
                : first < 0xF0 ? 3
                : first < 0xF8 ? 4
                               : 0;
  if (size == 0 || size > text.size()) return {0xFFFD, text.substr(0, 1)};
  char32_t code = size == 1 ? first : first & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return {0xFFFD, text.substr(0, 1)};
    code = (code << 6) | (byte & 0x3F);
  }
  return {code, text.substr(0, size)};
}

bool IsControl(char32_t code) {
  // C0, DEL, C1, and what reorders text.
  return code < 0x20 || (code >= 0x7F && code < 0xA0) ||
         (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

int CharacterWidth(char32_t code) {
  if ((code >= 0x300 && code <= 0x36F) || code == 0x200D || code == 0x200B ||
      (code >= 0xFE00 && code <= 0xFE0F)) {
    return 0;
  }
  const bool wide = (code >= 0x1100 && code <= 0x115F) ||
                    (code >= 0x2E80 && code <= 0xA4CF) ||
                    (code >= 0xAC00 && code <= 0xD7A3) ||
                    (code >= 0xF900 && code <= 0xFAFF) ||
                    (code >= 0xFE30 && code <= 0xFE6F) ||
                    (code >= 0xFF00 && code <= 0xFF60) ||
                    (code >= 0xFFE0 && code <= 0xFFE6) ||
                    (code >= 0x1F300 && code <= 0x1FAFF) ||
                    (code >= 0x20000 && code <= 0x3FFFD);
  return wide ? 2 : 1;
}

std::string Clean(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character next = NextCharacter(text);
    text.remove_prefix(next.bytes.size());
    if (keep_lines && (next.code == '\n' || next.code == '\t')) {
      out += static_cast<char>(next.code);
    } else if (next.code == '\r') {
      continue;
    } else if (IsControl(next.code)) {
      out += ' ';
    } else if (next.code == 0xFFFD) {
      out += "\xEF\xBF\xBD";
    } else {
      out.append(next.bytes);
    }
  }
  return out;
}

}  // namespace

std::string OneLine(std::string_view text) { return Clean(text, false); }

std::string Printable(std::string_view text) { return Clean(text, true); }

int DisplayWidth(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Character next = NextCharacter(text);
    text.remove_prefix(next.bytes.size());
    width += CharacterWidth(next.code);
  }
  return width;
}

std::string Truncate(std::string_view text, int width) {
  if (width <= 0 || DisplayWidth(text) <= width) return std::string(text);
  std::string out;
  int used = 0;
  while (!text.empty()) {
    const Character next = NextCharacter(text);
    const int needed = CharacterWidth(next.code);
    if (used + needed > width - 1) break;
    used += needed;
    out.append(next.bytes);
    text.remove_prefix(next.bytes.size());
  }
  return out + "…";
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

std::string FormatTime(const google::protobuf::Timestamp& time,
                       absl::TimeZone zone) {
  if (time.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(time), zone);
}

std::string FormatClock(const google::protobuf::Timestamp& time,
                        absl::TimeZone zone) {
  return absl::FormatTime("%H:%M:%E3S", FromProto(time), zone);
}

std::string HumanDuration(absl::Duration duration) {
  const int64_t ms = absl::ToInt64Milliseconds(duration);
  if (ms < 1000) return absl::StrCat(ms, " ms");
  if (ms < 60'000) return absl::StrFormat("%.1f s", ms / 1000.0);
  const int64_t seconds = ms / 1000;
  if (seconds < 3600) {
    return absl::StrCat(seconds / 60, " m ", seconds % 60, " s");
  }
  return absl::StrCat(seconds / 3600, " h ", seconds % 3600 / 60, " m");
}

std::string FormatBytes(int64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  const double kib = bytes / 1024.0;
  if (kib < 1024) return absl::StrFormat("%.1f KiB", kib);
  return absl::StrFormat("%.1f MiB", kib / 1024);
}

std::string PrettyJson(const std::string& json) {
  const auto value = nlohmann::ordered_json::parse(json, /*cb=*/nullptr,
                                                   /*allow_exceptions=*/false);
  if (value.is_discarded()) return json;
  return value.dump(2, ' ', false,
                    nlohmann::ordered_json::error_handler_t::replace);
}

std::string ShortEnum(const std::string& name, std::string_view prefix) {
  if (name.compare(0, prefix.size(), prefix) == 0) {
    return name.substr(prefix.size());
  }
  return name;
}

Table::Table(std::vector<std::string> header) {
  rows_.push_back(std::move(header));
}

void Table::Add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = OneLine(cell);
  row.resize(rows_.front().size());
  rows_.push_back(std::move(row));
}

std::vector<int> Table::Widths(int width) const {
  std::vector<int> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
    }
  }
  if (width <= 0) return widths;
  const int gaps = kGap * (static_cast<int>(widths.size()) - 1);
  int excess = std::accumulate(widths.begin(), widths.end(), gaps) - width;
  for (size_t i = widths.size(); i-- > 0 && excess > 0;) {
    const int given = std::min(excess, std::max(0, widths[i] - kColumnMin));
    widths[i] -= given;
    excess -= given;
  }
  return widths;
}

std::string Table::Render(int width) const {
  const std::vector<int> widths = Widths(width);
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Truncate(row[i], widths[i]);
      line += cell;
      if (i + 1 < row.size()) {
        line.append(widths[i] - DisplayWidth(cell) + kGap, ' ');
      }
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace anabranch::cli
