// CRC-32C (Castagnoli), with the processor's instruction where it has one.
#pragma once

#include <cstdint>
#include <string_view>

namespace anabranch::log {

// The checksum of `data`, or, with `crc` the checksum of what came before, of
// both together.
uint32_t Crc32c(std::string_view data, uint32_t crc = 0);

// The same without the instruction: for processors that lack it.
uint32_t Crc32cByTable(std::string_view data, uint32_t crc = 0);

}  // namespace anabranch::log
