#include "orchestrator/rpc/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "orchestrator/rpc/errors.h"

namespace anabranch::rpc {
namespace {

constexpr int kPortMax = 65535;

absl::Status NoAddress(const std::string& text) {
  return MakeError(absl::StatusCode::kInvalidArgument, "INVALID_ADDRESS",
                   absl::StrCat("--address: ", Shortened(text),
                                " is not HOST:PORT, for example "
                                "127.0.0.1:7400 or [::1]:7400"),
                   {{"address", Shortened(text)}});
}

// The errno of a bind to the address; 0 when it works.
int TryBind(const ListenAddress& address, std::string& problem) {
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  int error = getaddrinfo(address.host.c_str(),
                          absl::StrCat(address.port).c_str(), &hints, &found);
  if (error != 0) {
    problem = gai_strerror(error);
    return EADDRNOTAVAIL;
  }
  int result = 0;
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 ||
      listen(fd, 1) != 0) {
    result = errno;
    problem = std::strerror(result);
  }
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return result;
}

}  // namespace

std::string ListenAddress::ToString() const {
  bool v6 = host.find(':') != std::string::npos;
  return v6 ? absl::StrCat("[", host, "]:", port)
            : absl::StrCat(host, ":", port);
}

bool ListenAddress::IsLoopback() const {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127;
  }
  return host == "localhost" || host == "::1";
}

absl::StatusOr<ListenAddress> ParseListenAddress(const std::string& text) {
  size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return NoAddress(text);
  ListenAddress address;
  address.host = text.substr(0, colon);
  bool bracketed = address.host.front() == '[' && address.host.back() == ']';
  if (bracketed) {
    address.host = address.host.substr(1, address.host.size() - 2);
  } else if (absl::StrContains(address.host, ":")) {
    return NoAddress(text);
  }
  auto end = text.data() + text.size();
  auto port = std::from_chars(text.data() + colon + 1, end, address.port);
  if (port.ec != std::errc() || port.ptr != end || address.port < 0 ||
      address.port > kPortMax || address.host.empty()) {
    return NoAddress(text);
  }
  return address;
}

absl::Status ExplainListenFailure(const ListenAddress& address) {
  std::string problem = "the server did not start";
  int error = TryBind(address, problem);
  std::map<std::string, std::string> metadata = {
      {"address", address.ToString()}};
  if (error == EADDRINUSE) {
    return MakeError(
        absl::StatusCode::kUnavailable, "ADDRESS_IN_USE",
        absl::StrCat("Cannot listen on ", address.ToString(),
                     ": another process does. Stop it, or choose another "
                     "port with --address."),
        metadata);
  }
  return MakeError(
      absl::StatusCode::kUnavailable, "ADDRESS_UNAVAILABLE",
      absl::StrCat("Cannot listen on ", address.ToString(), ": ", problem,
                   ". Choose another address with --address."),
      metadata);
}

}  // namespace anabranch::rpc
