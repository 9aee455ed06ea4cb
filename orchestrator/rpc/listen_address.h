// Addresses to listen on.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace anabranch::rpc {

struct ListenAddress {
  // Without brackets.
  std::string host;
  int port = 0;

  // HOST:PORT, IPv6 hosts in brackets.
  std::string ToString() const;
  bool IsLoopback() const;
};

// kInvalidArgument, INVALID_ADDRESS.
absl::StatusOr<ListenAddress> ParseListenAddress(const std::string& text);

// Why nobody can listen there now, by trying: ADDRESS_IN_USE or
// ADDRESS_UNAVAILABLE.
absl::Status ExplainListenFailure(const ListenAddress& address);

}  // namespace anabranch::rpc
