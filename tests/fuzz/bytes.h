// Takes values off the front of a fuzzer's input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace anabranch::fuzz {

class Bytes {
 public:
  explicit Bytes(std::string_view input) : rest_(input) {}

  bool empty() const { return rest_.empty(); }

  // 0 when nothing is left.
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  // At most `size` bytes.
  std::string_view Take(size_t size) {
    std::string_view taken = rest_.substr(0, std::min(size, rest_.size()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  // A length of two bytes, and that many.
  std::string_view Piece() {
    size_t size = Byte() * size_t{256};
    size += Byte();
    return Take(size);
  }

  std::string_view Rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace anabranch::fuzz
