// HTTP for many slow connections: cpp-httplib's parsing and routing, with a
// listener and threads of our own.
//
// The library's listener shares its port with other processes, has a backlog
// of 5 and starts all its threads at once; this one refuses a used port, takes
// a burst of connections and starts a thread only when none is free.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "httplib.h"

namespace anabranch::fake_claude {

struct HttpOptions {
  std::string host = "127.0.0.1";
  int port = 0;  // 0: any free one
  int connections_max = 512;
};

// One thread per open connection. Threads: Start, Stop and the destructor from
// one; handlers run on the connection's thread.
class HttpServer : public httplib::Server {
 public:
  explicit HttpServer(HttpOptions options) : options_(std::move(options)) {}
  ~HttpServer() override { Stop(); }

  // Routes must have been added. kUnavailable when the port is taken.
  absl::Status Start();
  // Closes every connection and waits for its handler. Idempotent.
  void Stop();

  // After Start.
  int Port() const { return port_; }

  // The connection's socket, for PeerGone() in a handler.
  static int SocketOf(const httplib::Request& request);

 private:
  absl::Status Listen();
  void Accept();
  void Dispatch(int socket);
  bool StartThread();  // under mutex_
  void Work();
  void Serve(int socket);

  const HttpOptions options_;
  int listener_ = -1;
  int wake_read_ = -1;  // a pipe that ends Accept
  int wake_write_ = -1;
  int port_ = 0;
  std::thread acceptor_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  size_t idle_ = 0;           // threads that wait for a connection
  std::deque<int> accepted_;  // connections without a thread yet
  std::set<int> open_;        // connections being served
  std::vector<std::thread> threads_;
};

}  // namespace anabranch::fake_claude
