// POST /v1/messages and POST /v1/messages/count_tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"
#include "fake_claude/behaviour.h"
#include "fake_claude/ledger.h"
#include "fake_claude/reply.h"
#include "fake_claude/request.h"
#include "fake_claude/thinking.h"
#include "httplib.h"

namespace anabranch::fake_claude {

// What every handler of the API needs.
struct ApiContext {
  Clock& clock;
  Behaviour& behaviour;
  Ledger& ledger;
  std::string required_key;  // "": any
  std::function<bool()> stopping;
  std::function<std::string()> next_request_id;
};

// Headers of every answer of the API, errors too.
void SetCommonHeaders(const std::string& request_id,
                      httplib::Response& response);
void SendError(const ApiError& error, const std::string& request_id,
               httplib::Response& response);
RequestHeaders HeadersOf(const httplib::Request& request);

// Threads: any, one per connection.
class MessagesApi {
 public:
  explicit MessagesApi(ApiContext context) : context_(std::move(context)) {}

  void Messages(const httplib::Request& http, httplib::Response& response);
  void CountTokens(const httplib::Request& http, httplib::Response& response);

 private:
  Refusal Read(const httplib::Request& http, ApiRequest* request,
               CallInfo* info);
  void Answer(const httplib::Request& http, const ApiRequest& request,
              const Reading& reading, const CallInfo& info,
              httplib::Response& response);
  void Send(std::shared_ptr<Reply> reply, bool stream,
            httplib::Response& response);
  // A message's id: the nth time that the same is asked gives the nth id.
  std::string MessageId(const ApiRequest& request, const Reading& reading);
  bool WasPaused(const Json& blocks);
  void RememberPaused(const Json& blocks);

  const ApiContext context_;
  std::mutex mutex_;
  std::map<std::string, int> asked_;  // by hash
  std::set<std::string> paused_;      // hashes of contents
};

}  // namespace anabranch::fake_claude
