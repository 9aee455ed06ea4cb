// One accepted connection, as cpp-httplib wants to see it.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "httplib.h"

namespace anabranch::fake_claude {

// A buffered stream over a socket that it does not own.
// Threads: the one that serves the connection. Lifetime: the connection's.
class Connection : public httplib::Stream {
 public:
  explicit Connection(int socket) : socket_(socket) {}

  // Waits up to `timeout_ms` for the next request's first byte. False when
  // none came or the peer has gone.
  bool AwaitRequest(int timeout_ms);

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* ptr, size_t size) override;
  ssize_t write(const char* ptr, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  int socket_;
  std::string buffer_;
  size_t consumed_ = 0;
};

// True when the peer of a socket closed it (or its sending half) or reset it.
bool PeerGone(int socket);

// Sleeps; false, at once, when the peer goes meanwhile.
bool SleepUnlessGone(int socket, absl::Duration duration);

// Makes the next close() of the socket a reset instead of a clean end.
void ResetOnClose(int socket);

}  // namespace anabranch::fake_claude
