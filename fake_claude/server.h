// The local Messages API as a whole: routes, ledger, behaviour.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/clock.h"
#include "fake_claude/behaviour.h"
#include "fake_claude/http_server.h"
#include "fake_claude/ledger.h"
#include "fake_claude/messages_api.h"

namespace anabranch::fake_claude {

struct ServerOptions {
  HttpOptions http;
  Pace pace;
  std::string api_key;      // "": any key is right
  std::string ledger_file;  // "": none
};

// Threads: Start and Stop from one; the rest from any.
class Server {
 public:
  // `clock` must outlive the server, and be a real one.
  Server(ServerOptions options, Clock& clock);
  ~Server() { Stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens and serves. kUnavailable when the port is taken.
  absl::Status Start();
  // Closes all connections and returns when every handler has ended.
  void Stop();

  // After Start.
  int Port() const { return http_.Port(); }
  std::string Url() const;

  Behaviour& behaviour() { return behaviour_; }
  Ledger& ledger() { return ledger_; }

 private:
  void AddRoutes();
  void AddOwnRoutes();
  void AddModelRoutes();
  void ListModels(const httplib::Request& request, httplib::Response& response);
  // False after a refusal was sent.
  bool Admit(const httplib::Request& request, httplib::Response& response);
  std::string NextRequestId();

  const ServerOptions options_;
  Clock& clock_;
  Behaviour behaviour_;
  Ledger ledger_;
  const std::string life_;  // random: request ids are never used again
  std::atomic<uint64_t> requests_{0};
  std::atomic<bool> stopping_{false};
  MessagesApi messages_;
  HttpServer http_;
};

}  // namespace anabranch::fake_claude
