#include "orchestrator/log/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace anabranch::log {
namespace {

constexpr uint32_t kReversedPolynomial = 0x82f63b78;

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? kReversedPolynomial : 0);
    }
    table[i] = value;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = MakeTable();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t
Crc32cByInstruction(std::string_view data, uint32_t crc) {
  uint64_t state = ~crc;
  const char* at = data.data();
  const char* end = at + data.size();
  for (; end - at >= 8; at += 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    state = _mm_crc32_u64(state, word);
  }
  auto narrow = static_cast<uint32_t>(state);
  for (; at != end; ++at) {
    narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
  }
  return ~narrow;
}
#endif

}  // namespace

uint32_t Crc32cByTable(std::string_view data, uint32_t crc) {
  uint32_t state = ~crc;
  for (char c : data) {
    state =
        kTable[(state ^ static_cast<unsigned char>(c)) & 0xff] ^ (state >> 8);
  }
  return ~state;
}

uint32_t Crc32c(std::string_view data, uint32_t crc) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return Crc32cByInstruction(data, crc);
#endif
  return Crc32cByTable(data, crc);
}

}  // namespace anabranch::log
