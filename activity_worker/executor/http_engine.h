// Many HTTP calls on one thread, over libcurl's multi interface.
#pragma once

#include <curl/curl.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace anabranch::activity_worker {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "name: value"; may hold a key
  std::string body;                  // POSTed
};

// How a call ended.
enum class HttpEnd {
  kComplete,    // the response came whole, whatever its status
  kConnection,  // no response: the connection failed or broke
  kTls,         // likewise, for reasons of TLS
  kCut,         // the response broke off
  kAborted,     // the observer wanted no more
  // The engine itself knows no time limit but that for connecting; who times a
  // call reports these:
  kNoResponse,  // no status line in time
  kStalled,     // no further byte in time
};

struct HttpResult {
  HttpEnd end = HttpEnd::kComplete;
  std::string message;  // for people; empty when complete
};

// Hears of one call, inside HttpEngine::Perform(). From OnHeader() and
// OnBody() the call must not be removed.
class HttpObserver {
 public:
  virtual ~HttpObserver() = default;
  virtual void OnStatus(int status) = 0;
  virtual void OnHeader(std::string_view name, std::string_view value) = 0;
  // False ends the call as kAborted.
  virtual bool OnBody(std::string_view bytes) = 0;
  // The last call; the HttpCall is removed already.
  virtual void OnDone(const HttpResult& result) = 0;
};

class HttpCall;

// Threads: one, except Wakeup(). Keys in headers are zeroed after use, no
// redirect is followed (it would carry the key away), plain http reaches
// loopback only, and nothing is ever logged.
class HttpEngine {
 public:
  struct Options {
    // Calls that may run at once: bounds connections where one carries many.
    int slots = 200;
    absl::Duration connect_timeout = absl::Seconds(10);
    // A file with trusted certificates; empty: the system's.
    std::string ca_file = "";
    std::string user_agent = "anabranch-worker/0.1";
  };

  explicit HttpEngine(Options options);
  ~HttpEngine();
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  // Begins a call. The observer must live until OnDone() or Remove().
  HttpCall* Add(HttpRequest request, HttpObserver& observer);

  // Ends a call without a word to its observer. Others on the same connection
  // go on.
  void Remove(HttpCall* call);

  // Moves all calls on as far as they go without waiting.
  void Perform();

  // Waits until a call can move on, for Wakeup(), or for `timeout`.
  void Poll(absl::Duration timeout);

  // Ends the current or the next Poll(). Threads: any.
  void Wakeup();

  size_t active() const { return calls_.size(); }

 private:
  void NoteProtocol(CURL* easy);

  Options options_;
  CURLM* multi_;
  bool multiplexed_ = true;
  std::map<HttpCall*, std::unique_ptr<HttpCall>> calls_;
};

// Whether `url` is plain http to this machine: the only plain http allowed.
bool IsLoopbackHttp(std::string_view url);

}  // namespace anabranch::activity_worker
