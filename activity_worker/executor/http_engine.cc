#include "activity_worker/executor/http_engine.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "activity_worker/executor/http_call.h"
#include "base/check.h"

namespace anabranch::activity_worker {
namespace {

// Streams that one HTTP/2 connection carries, by the servers' usual limit.
constexpr int kStreamsPerConnection = 100;

void InitCurlOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    AB_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  });
}

}  // namespace

bool IsLoopbackHttp(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (url.substr(0, kScheme.size()) != kScheme) return false;
  url.remove_prefix(kScheme.size());
  std::string_view host = url.substr(0, url.find_first_of("/?#"));
  if (host.find('@') != std::string_view::npos) return false;
  if (host.substr(0, 1) == "[") {
    return host.substr(0, host.find(']') + 1) == "[::1]";
  }
  host = host.substr(0, host.find(':'));
  if (host == "localhost") return true;
  // 127.0.0.0/8, as digits and dots only: 127.example.org is another machine.
  return host.substr(0, 4) == "127." &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

HttpEngine::HttpEngine(Options options) : options_(std::move(options)) {
  InitCurlOnce();
  multi_ = curl_multi_init();
  AB_CHECK(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING,
                    static_cast<long>(CURLPIPE_MULTIPLEX));
}

HttpEngine::~HttpEngine() {
  while (!calls_.empty()) Remove(calls_.begin()->first);
  curl_multi_cleanup(multi_);
}

HttpCall* HttpEngine::Add(HttpRequest request, HttpObserver& observer) {
  // Once its first connection is full, libcurl opens one for each further
  // call, unless it is told how many are enough. Without multiplexing each
  // call needs its own.
  const bool plain = IsLoopbackHttp(request.url);
  const int enough =
      (options_.slots + kStreamsPerConnection - 1) / kStreamsPerConnection;
  const long connections =
      plain || !multiplexed_ ? 0 : static_cast<long>(std::max(1, enough));
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
  auto owned =
      std::make_unique<HttpCall>(std::move(request), observer, options_);
  HttpCall* call = owned.get();
  calls_.emplace(call, std::move(owned));
  AB_CHECK(curl_multi_add_handle(multi_, call->easy()) == CURLM_OK);
  return call;
}

void HttpEngine::Remove(HttpCall* call) {
  AB_CHECK(curl_multi_remove_handle(multi_, call->easy()) == CURLM_OK);
  calls_.erase(call);
}

void HttpEngine::Perform() {
  int running = 0;
  curl_multi_perform(multi_, &running);
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;  // gone with the handle
    NoteProtocol(easy);
    char* self = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
    auto* call = reinterpret_cast<HttpCall*>(self);
    HttpObserver& observer = call->observer();
    const HttpResult result = call->Result(code);
    Remove(call);
    observer.OnDone(result);
  }
}

void HttpEngine::NoteProtocol(CURL* easy) {
  long version = 0;
  char* scheme = nullptr;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(easy, CURLINFO_SCHEME, &scheme);
  const bool https =
      scheme != nullptr && (std::string_view(scheme) == "HTTPS" ||
                            std::string_view(scheme) == "https");
  if (!https || version == 0 || version >= CURL_HTTP_VERSION_2_0) return;
  // A gateway without HTTP/2: a limit would only hold calls back.
  multiplexed_ = false;
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, 0L);
}

void HttpEngine::Poll(absl::Duration timeout) {
  const int64_t ms = std::clamp<int64_t>(
      absl::ToInt64Milliseconds(timeout + absl::Microseconds(999)), 0, 60'000);
  curl_multi_poll(multi_, nullptr, 0, static_cast<int>(ms), nullptr);
}

void HttpEngine::Wakeup() { curl_multi_wakeup(multi_); }

}  // namespace anabranch::activity_worker
