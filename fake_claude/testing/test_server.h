// A server of a test's own, and clients that speak raw HTTP to it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "fake_claude/server.h"
#include "fake_claude/text.h"
#include "gtest/gtest.h"

namespace anabranch::fake_claude::testing {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// A key and the older version.
HeaderList OldHeaders();
// A bearer token and the newer version.
HeaderList NewHeaders();

struct HttpReply {
  int status = 0;
  httplib::Headers headers;
  std::string body;
  Json json;  // of the body; null when it is none

  std::string ErrorType() const;
  std::string ErrorMessage() const;
  std::string Header(const std::string& name) const;
};

// One TCP connection and one request on it, byte by byte.
class RawCall {
 public:
  RawCall(int port, const std::string& path, const HeaderList& headers,
          const std::string& body);
  ~RawCall() { Close(); }
  RawCall(RawCall&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        received_(std::move(other.received_)) {}
  RawCall& operator=(RawCall&&) = delete;

  // Reads until `marker` has come. False when the connection ended first.
  bool ReadUntil(const std::string& marker);
  // Reads to the end of the connection. False when it was reset.
  bool ReadAll();
  void Close();

  const std::string& received() const { return received_; }

 private:
  int socket_ = -1;
  std::string received_;
};

struct SseEventRead {
  std::string name;
  Json data;
};
// The events of a stream's body.
std::vector<SseEventRead> ReadEvents(const std::string& body);
// What a client has after accumulating them: the content array's text, of
// which every string is spliced together from the deltas' raw JSON.
std::string RawContent(const std::string& body);

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() : ServerTest(ServerOptions{}) {}
  explicit ServerTest(ServerOptions options);

  HttpReply Post(const std::string& path, const std::string& body,
                 const HeaderList& headers = OldHeaders());
  HttpReply Get(const std::string& path,
                const HeaderList& headers = OldHeaders());
  HttpReply Ask(const Json& body, const HeaderList& headers = OldHeaders()) {
    return Post("/v1/messages", body.dump(), headers);
  }
  // Sets what POST /control can set, and expects that it is taken.
  void Control(const Json& settings);
  Json LastCall();

  // A small valid request.
  static Json Request(const std::string& model = "claude-sonnet-5-5",
                      const std::string& prompt = "Hello");
  static Json Streamed(Json request);

  RealClock clock_;
  Server server_;
};

// 400 invalid_request_error with exactly this message.
void ExpectInvalid(const HttpReply& reply, const std::string& message);

}  // namespace anabranch::fake_claude::testing
