#include "activity_worker/executor/http_call.h"

#include <strings.h>

#include <charconv>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace anabranch::activity_worker {
namespace {

// Overwrites what may hold a key before it is freed.
void Zero(std::string& text) { explicit_bzero(text.data(), text.size()); }

void FreeZeroed(curl_slist* list) {
  for (curl_slist* item = list; item != nullptr; item = item->next) {
    explicit_bzero(item->data, std::strlen(item->data));
  }
  curl_slist_free_all(list);
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool IsTlsError(CURLcode code) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
      return true;
    default:
      return false;
  }
}

}  // namespace

template <typename T>
void HttpCall::Set(CURLoption option, T value) {
  AB_CHECK(curl_easy_setopt(easy_, option, value) == CURLE_OK);
}

HttpCall::HttpCall(HttpRequest request, HttpObserver& observer,
                   const HttpEngine::Options& options)
    : request_(std::move(request)),
      observer_(observer),
      easy_(curl_easy_init()) {
  AB_CHECK(easy_ != nullptr);
  Set(CURLOPT_URL, request_.url.c_str());
  Set(CURLOPT_POST, 1L);
  Set(CURLOPT_POSTFIELDS, request_.body.data());
  Set(CURLOPT_POSTFIELDSIZE_LARGE,
      static_cast<curl_off_t>(request_.body.size()));
  for (std::string& header : request_.headers) {
    headers_ = curl_slist_append(headers_, header.c_str());
    Zero(header);
  }
  request_.headers.clear();
  // Without it a large body waits a second for "100 Continue".
  headers_ = curl_slist_append(headers_, "Expect:");
  AB_CHECK(headers_ != nullptr);
  Set(CURLOPT_HTTPHEADER, headers_);
  Set(CURLOPT_USERAGENT, options.user_agent.c_str());
  Set(CURLOPT_PRIVATE, this);
  Set(CURLOPT_ERRORBUFFER, error_.data());
  Set(CURLOPT_HEADERFUNCTION, &HttpCall::OnHeaderBytes);
  Set(CURLOPT_HEADERDATA, this);
  Set(CURLOPT_WRITEFUNCTION, &HttpCall::OnBodyBytes);
  Set(CURLOPT_WRITEDATA, this);
  SetTransport(options);
}

void HttpCall::SetTransport(const HttpEngine::Options& options) {
  const bool plain = IsLoopbackHttp(request_.url);
  Set(CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
  Set(CURLOPT_HTTP_VERSION, plain ? static_cast<long>(CURL_HTTP_VERSION_1_1)
                                  : static_cast<long>(CURL_HTTP_VERSION_2TLS));
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_SSL_VERIFYPEER, 1L);
  Set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) {
    Set(CURLOPT_CAINFO, options.ca_file.c_str());
  }
  // A proxy of the environment cannot reach our loopback.
  if (plain) Set(CURLOPT_NOPROXY, "*");
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(absl::ToInt64Milliseconds(options.connect_timeout)));
  Set(CURLOPT_TCP_KEEPALIVE, 1L);
  Set(CURLOPT_TCP_KEEPIDLE, 60L);
  Set(CURLOPT_TCP_KEEPINTVL, 60L);
  Set(CURLOPT_TCP_NODELAY, 1L);
  // A second call waits until it is known whether the first one's connection
  // can carry both.
  if (!plain) Set(CURLOPT_PIPEWAIT, 1L);
}

HttpCall::~HttpCall() {
  curl_easy_cleanup(easy_);
  FreeZeroed(headers_);
}

size_t HttpCall::OnHeaderBytes(char* data, size_t size, size_t count,
                               void* self) {
  static_cast<HttpCall*>(self)->TakeHeaderLine({data, size * count});
  return size * count;
}

void HttpCall::TakeHeaderLine(std::string_view line) {
  if (line.substr(0, 5) == "HTTP/") {
    const size_t space = line.find(' ');
    int status = 0;
    if (space != std::string_view::npos) {
      const std::string_view rest = line.substr(space + 1);
      std::from_chars(rest.data(), rest.data() + rest.size(), status);
    }
    // 1xx announce another one.
    if (status < 200) return;
    responded_ = true;
    observer_.OnStatus(status);
    return;
  }
  const size_t colon = line.find(':');
  if (!responded_ || colon == std::string_view::npos) return;
  observer_.OnHeader(Trim(line.substr(0, colon)), Trim(line.substr(colon + 1)));
}

size_t HttpCall::OnBodyBytes(char* data, size_t size, size_t count,
                             void* self) {
  const size_t bytes = size * count;
  if (bytes == 0) return 0;
  return static_cast<HttpCall*>(self)->observer_.OnBody({data, bytes}) ? bytes
                                                                       : 0;
}

HttpResult HttpCall::Result(CURLcode code) const {
  if (code == CURLE_OK) return {};
  HttpResult result;
  if (code == CURLE_WRITE_ERROR) {
    result.end = HttpEnd::kAborted;
  } else if (IsTlsError(code)) {
    result.end = HttpEnd::kTls;
  } else if (responded_) {
    result.end = HttpEnd::kCut;
  } else {
    result.end = HttpEnd::kConnection;
  }
  result.message = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
  return result;
}

}  // namespace anabranch::activity_worker
