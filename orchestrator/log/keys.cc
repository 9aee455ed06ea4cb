#include "orchestrator/log/keys.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "base/check.h"

namespace anabranch::log {
namespace {

constexpr size_t kKindBytes = 2;

template <typename T>
void AppendBigEndian(T value, std::string& out) {
  for (int shift = 8 * (static_cast<int>(sizeof(T)) - 1); shift >= 0;
       shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

template <typename T>
std::optional<T> TakeBigEndian(std::string_view& bytes) {
  if (bytes.size() < sizeof(T)) {
    bytes = {};
    return std::nullopt;
  }
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8) | static_cast<unsigned char>(bytes[i]);
  }
  bytes.remove_prefix(sizeof(T));
  return value;
}

}  // namespace

KeyBuilder& KeyBuilder::Number(uint64_t value) {
  AppendBigEndian(value, key_);
  return *this;
}

KeyBuilder& KeyBuilder::Number32(uint32_t value) {
  AppendBigEndian(value, key_);
  return *this;
}

KeyBuilder& KeyBuilder::Count(int64_t value) {
  AB_CHECK(value >= 0);
  return Number(static_cast<uint64_t>(value));
}

KeyBuilder& KeyBuilder::Text(std::string_view text) {
  for (char c : text) {
    if (c == '\0' || c == '\x01') {
      key_.push_back('\x01');
      key_.push_back(static_cast<char>(c + 1));
    } else {
      key_.push_back(c);
    }
  }
  key_.push_back('\0');
  return *this;
}

KeyBuilder& KeyBuilder::Rest(std::string_view bytes) {
  key_.append(bytes);
  return *this;
}

KeyParser::KeyParser(std::string_view key)
    : kind_(key.substr(0, kKindBytes)),
      rest_(key.substr(std::min(key.size(), kKindBytes))) {}

std::optional<uint64_t> KeyParser::Number() {
  return TakeBigEndian<uint64_t>(rest_);
}

std::optional<uint32_t> KeyParser::Number32() {
  return TakeBigEndian<uint32_t>(rest_);
}

std::optional<std::string> KeyParser::Text() {
  std::string text;
  for (size_t i = 0; i < rest_.size(); ++i) {
    char c = rest_[i];
    if (c == '\0') {
      rest_.remove_prefix(i + 1);
      return text;
    }
    if (c == '\x01') {
      if (++i == rest_.size()) break;
      c = static_cast<char>(rest_[i] - 1);
    }
    text.push_back(c);
  }
  rest_ = {};
  return std::nullopt;
}

std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

std::string ReadableKey(std::string_view key) {
  std::string readable;
  for (char c : key) {
    if (c >= ' ' && c <= '~' && c != '\\') {
      readable.push_back(c);
    } else {
      absl::StrAppendFormat(&readable, "\\x%02x",
                            static_cast<unsigned char>(c));
    }
  }
  return readable;
}

}  // namespace anabranch::log
