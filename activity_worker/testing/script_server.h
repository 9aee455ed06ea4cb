// A small HTTP/1.1 server for tests: one thread whatever the number of
// connections, and replies that may go wrong in any way.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace anabranch::activity_worker::testing {

struct ScriptRequest {
  std::string head;  // request line and headers, as they came
  std::string body;
};

struct ScriptReply {
  enum class End {
    kKeep,   // wait for the next request
    kClose,  // close the connection
    kHold,   // say nothing more; the connection stays open
  };
  // Sent one after the other, by turns with those of other connections.
  std::vector<std::string> pieces;
  End end = End::kKeep;
  // Send only this many pieces before Release().
  size_t pieces_before_release = SIZE_MAX;
};

// Helpers for replies.
std::string HttpHead(const std::string& status, const std::string& headers);
std::string HttpChunk(const std::string& data);
// A whole reply with a Content-Length.
ScriptReply WholeReply(const std::string& status, const std::string& headers,
                       const std::string& body);

// Threads: any. The handler runs on the server's thread.
class ScriptServer {
 public:
  using Handler = std::function<ScriptReply(const ScriptRequest&)>;

  // `greeting` is what a connection gets before it has said anything.
  explicit ScriptServer(Handler handler, std::string greeting = "");
  ~ScriptServer();
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;

  std::string Url() const;

  // Blocks until so many requests have come in all.
  void WaitForRequests(size_t count);
  std::vector<ScriptRequest> Requests();

  size_t connections_accepted() const { return accepted_; }

  // Lets the replies that wait go on.
  void Release();

 private:
  struct Connection {
    std::string input;
    bool replying = false;
    ScriptReply reply;
    size_t next_piece = 0;
    std::string output;  // of the piece begun
    bool held = false;
  };

  void Loop();
  void Accept();
  // These return false when the connection is over.
  bool Read(int fd, Connection& connection);
  bool TakeRequest(Connection& connection);
  bool Write(int fd, Connection& connection);
  bool HasOutput(const Connection& connection) const;

  const Handler handler_;
  const std::string greeting_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  int port_ = 0;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> released_{false};
  std::atomic<size_t> accepted_{0};
  std::map<int, Connection> connections_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ScriptRequest> requests_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace anabranch::activity_worker::testing
