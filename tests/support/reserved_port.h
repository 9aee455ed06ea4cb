// A port that stays ours while the server behind it comes and goes.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace anabranch::support {

// Bound, but not listening: servers that set SO_REUSEADDR can still listen on
// it, and the system gives it to nobody else.
class ReservedPort {
 public:
  static absl::StatusOr<ReservedPort> Create();

  ~ReservedPort();
  ReservedPort(ReservedPort&& other) noexcept;
  ReservedPort& operator=(ReservedPort&&) = delete;

  int port() const { return port_; }
  // "127.0.0.1:PORT".
  std::string Address() const;

 private:
  ReservedPort(int socket, int port) : socket_(socket), port_(port) {}

  int socket_;
  int port_;
};

}  // namespace anabranch::support
