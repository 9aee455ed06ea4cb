// One HTTP call: a curl handle and what it needs while it runs.
#pragma once

#include <curl/curl.h>

#include <array>
#include <string>
#include <string_view>

#include "activity_worker/executor/http_engine.h"

namespace anabranch::activity_worker {

// Under HttpEngine; its thread. Its address is the handle's user pointer.
class HttpCall {
 public:
  HttpCall(HttpRequest request, HttpObserver& observer,
           const HttpEngine::Options& options);
  ~HttpCall();
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;

  CURL* easy() const { return easy_; }
  HttpObserver& observer() const { return observer_; }

  // What libcurl's verdict means here.
  HttpResult Result(CURLcode code) const;

 private:
  static size_t OnHeaderBytes(char* data, size_t size, size_t count,
                              void* self);
  static size_t OnBodyBytes(char* data, size_t size, size_t count, void* self);
  void TakeHeaderLine(std::string_view line);
  void SetTransport(const HttpEngine::Options& options);
  template <typename T>
  void Set(CURLoption option, T value);

  HttpRequest request_;
  HttpObserver& observer_;
  CURL* easy_;
  curl_slist* headers_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
  bool responded_ = false;  // a final status line has come
};

}  // namespace anabranch::activity_worker
