#include "orchestrator/log/record.h"

#include <cstdint>
#include <limits>

#include "base/check.h"
#include "orchestrator/log/crc32c.h"
#include "orchestrator/log/errors.h"

namespace anabranch::log {
namespace {

constexpr char kVersion = 1;
constexpr size_t kHeaderBytes = 5;

void PutBigEndian(uint32_t value, char* out) {
  for (int i = 3; i >= 0; --i, value >>= 8) {
    out[i] = static_cast<char>(value & 0xff);
  }
}

uint32_t GetBigEndian(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

uint32_t Checksum(std::string_view key, std::string_view header,
                  std::string_view content) {
  return Crc32c(content, Crc32c(header, Crc32c(key)));
}

}  // namespace

std::string WrapRecord(std::string_view key, std::string_view content) {
  AB_CHECK(content.size() <= std::numeric_limits<uint32_t>::max());
  std::string value;
  value.reserve(kEnvelopeBytes + content.size());
  value.resize(kEnvelopeBytes);
  value[0] = kVersion;
  PutBigEndian(static_cast<uint32_t>(content.size()), &value[1]);
  std::string_view header = std::string_view(value).substr(0, kHeaderBytes);
  PutBigEndian(Checksum(key, header, content), &value[kHeaderBytes]);
  value.append(content);
  return value;
}

absl::StatusOr<std::string_view> UnwrapRecord(std::string_view key,
                                              std::string_view value) {
  if (value.size() < kEnvelopeBytes) {
    return DamagedRecord(key, "it is too short");
  }
  if (value[0] > kVersion) {
    return NewerRecord(key, static_cast<unsigned char>(value[0]));
  }
  std::string_view content = value.substr(kEnvelopeBytes);
  if (value[0] != kVersion || GetBigEndian(&value[1]) != content.size()) {
    return DamagedRecord(key, "its length does not fit");
  }
  if (GetBigEndian(&value[kHeaderBytes]) !=
      Checksum(key, value.substr(0, kHeaderBytes), content)) {
    return DamagedRecord(key, "its checksum does not fit");
  }
  return content;
}

}  // namespace anabranch::log
