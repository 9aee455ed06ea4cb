#include "tests/support/reserved_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace anabranch::support {

absl::StatusOr<ReservedPort> ReservedPort::Create() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return absl::InternalError("no socket");
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(fd, generic, size) != 0 || getsockname(fd, generic, &size) != 0) {
    close(fd);
    return absl::InternalError("no port");
  }
  return ReservedPort(fd, ntohs(address.sin_port));
}

ReservedPort::~ReservedPort() {
  if (socket_ >= 0) close(socket_);
}

ReservedPort::ReservedPort(ReservedPort&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), port_(other.port_) {}

std::string ReservedPort::Address() const {
  return absl::StrCat("127.0.0.1:", port_);
}

}  // namespace anabranch::support
