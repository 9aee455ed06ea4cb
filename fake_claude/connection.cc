#include "fake_claude/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/clock.h"

namespace anabranch::fake_claude {
namespace {

// A peer that sends or takes nothing for this long in the middle of a message
// is given up.
constexpr int kIoTimeoutMs = 30'000;

constexpr size_t kReadBytes = 16 * 1024;

// True when one of `events` came up in time.
bool Poll(int socket, short events, int timeout_ms) {
  pollfd entry{.fd = socket, .events = events, .revents = 0};
  int n = 0;
  do {
    n = poll(&entry, 1, timeout_ms);
  } while (n < 0 && errno == EINTR);
  return n > 0;
}

void NameOf(const sockaddr_storage& address, std::string* ip, int* port) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    *port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    *port = ntohs(v6.sin6_port);
  }
  *ip = text;
}

}  // namespace

bool Connection::AwaitRequest(int timeout_ms) {
  if (consumed_ < buffer_.size()) return true;
  return Poll(socket_, POLLIN, timeout_ms) && !PeerGone(socket_);
}

bool Connection::is_readable() const {
  return consumed_ < buffer_.size() || Poll(socket_, POLLIN, kIoTimeoutMs);
}

bool Connection::is_writable() const {
  return Poll(socket_, POLLOUT, kIoTimeoutMs) && !PeerGone(socket_);
}

ssize_t Connection::read(char* ptr, size_t size) {
  if (consumed_ == buffer_.size()) {
    if (!Poll(socket_, POLLIN, kIoTimeoutMs)) return -1;
    buffer_.resize(kReadBytes);
    consumed_ = 0;
    ssize_t n = 0;
    do {
      n = recv(socket_, buffer_.data(), buffer_.size(), 0);
    } while (n < 0 && errno == EINTR);
    buffer_.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n <= 0) return n;
  }
  const size_t taken = std::min(size, buffer_.size() - consumed_);
  std::memcpy(ptr, buffer_.data() + consumed_, taken);
  consumed_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t Connection::write(const char* ptr, size_t size) {
  size_t sent = 0;
  while (sent < size) {
    if (!Poll(socket_, POLLOUT, kIoTimeoutMs)) return -1;
    const ssize_t n = send(socket_, ptr + sent, size - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    sent += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(sent);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &size);
  NameOf(address, &ip, &port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
  NameOf(address, &ip, &port);
}

bool PeerGone(int socket) {
  pollfd entry{.fd = socket, .events = POLLRDHUP, .revents = 0};
  return poll(&entry, 1, 0) > 0 &&
         (entry.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool SleepUnlessGone(int socket, absl::Duration duration) {
  RealClock clock;
  const absl::Duration until = clock.Steady() + duration;
  absl::Duration left = duration;
  while (left > absl::ZeroDuration()) {
    pollfd entry{.fd = socket, .events = POLLRDHUP, .revents = 0};
    // At most an hour at a time: poll counts in ints.
    const timespec time = absl::ToTimespec(std::min(left, absl::Hours(1)));
    if (ppoll(&entry, 1, &time, nullptr) > 0) return false;
    left = until - clock.Steady();
  }
  return !PeerGone(socket);
}

void ResetOnClose(int socket) {
  const linger option{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &option, sizeof(option));
}

}  // namespace anabranch::fake_claude
