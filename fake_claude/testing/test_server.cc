#include "fake_claude/testing/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>

namespace anabranch::fake_claude::testing {
namespace {

httplib::Headers ToHeaders(const HeaderList& list) {
  httplib::Headers headers;
  for (const auto& [name, value] : list) headers.emplace(name, value);
  return headers;
}

HttpReply ToReply(const httplib::Result& result) {
  HttpReply reply;
  if (!result) {
    ADD_FAILURE() << "no reply: " << httplib::to_string(result.error());
    return reply;
  }
  reply.status = result->status;
  reply.headers = result->headers;
  reply.body = result->body;
  reply.json = Json::parse(result->body, nullptr, false);
  if (reply.json.is_discarded()) reply.json = nullptr;
  return reply;
}

// The raw JSON text of a string member, without its quotes, from a text in
// which the member occurs once.
std::string RawString(const std::string& json, const std::string& member) {
  const std::string start = "\"" + member + "\":\"";
  const size_t begin = json.find(start);
  if (begin == std::string::npos) return "";
  size_t end = begin + start.size();
  while (json[end] != '"') end += json[end] == '\\' ? 2 : 1;
  return json.substr(begin + start.size(), end - begin - start.size());
}

// Puts `raw` in place of the empty value of a member.
void Fill(std::string* block, const std::string& empty,
          const std::string& raw) {
  const size_t at = block->find(empty);
  if (at == std::string::npos || raw.empty()) return;
  // Keeps the member's name and the delimiters around the value.
  block->replace(at, empty.size(), raw);
}

struct RawBlock {
  std::string start;
  std::string text;
  std::string thinking;
  std::string signature;
  std::string input;  // decoded: it is JSON itself
};

std::string Finished(const RawBlock& block) {
  std::string done = block.start;
  Fill(&done, R"("text":"")", "\"text\":\"" + block.text + "\"");
  Fill(&done, R"("thinking":"")", "\"thinking\":\"" + block.thinking + "\"");
  Fill(&done, R"("signature":"")", "\"signature\":\"" + block.signature + "\"");
  if (!block.input.empty()) {
    Fill(&done, R"("input":{})", "\"input\":" + block.input);
  }
  return done;
}

}  // namespace

HeaderList OldHeaders() {
  return {{"x-api-key", "key"}, {"anthropic-version", "2023-06-01"}};
}

HeaderList NewHeaders() {
  return {{"authorization", "Bearer key"}, {"anthropic-version", "2026-10-21"}};
}

std::string HttpReply::ErrorType() const {
  return json.is_object() && json.contains("error")
             ? StringOf(json["error"], "type")
             : "";
}

std::string HttpReply::ErrorMessage() const {
  return json.is_object() && json.contains("error")
             ? StringOf(json["error"], "message")
             : "";
}

std::string HttpReply::Header(const std::string& name) const {
  const auto it = headers.find(name);
  return it == headers.end() ? "" : it->second;
}

RawCall::RawCall(int port, const std::string& path, const HeaderList& headers,
                 const std::string& body) {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(
      connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
      0);
  std::string request = "POST " + path + " HTTP/1.1\r\nhost: localhost\r\n";
  for (const auto& [name, value] : headers) {
    request.append(name).append(": ").append(value).append("\r\n");
  }
  request +=
      "connection: close\r\ncontent-length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  EXPECT_EQ(send(socket_, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
}

bool RawCall::ReadUntil(const std::string& marker) {
  char buffer[4096];
  while (received_.find(marker) == std::string::npos) {
    const ssize_t n = recv(socket_, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    received_.append(buffer, static_cast<size_t>(n));
  }
  return true;
}

bool RawCall::ReadAll() {
  char buffer[4096];
  ssize_t n = 0;
  while ((n = recv(socket_, buffer, sizeof(buffer), 0)) > 0) {
    received_.append(buffer, static_cast<size_t>(n));
  }
  return n == 0;
}

void RawCall::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

std::vector<SseEventRead> ReadEvents(const std::string& body) {
  std::vector<SseEventRead> events;
  constexpr std::string_view kEvent = "event: ";
  constexpr std::string_view kData = "\ndata: ";
  size_t at = 0;
  while (at < body.size()) {
    const size_t data = body.find(kData, at);
    const size_t end = body.find("\n\n", at);
    if (body.compare(at, kEvent.size(), kEvent) != 0 || data > end) {
      ADD_FAILURE() << "not an event: " << body.substr(at, 80);
      return events;
    }
    SseEventRead event;
    event.name = body.substr(at + kEvent.size(), data - at - kEvent.size());
    event.data =
        Json::parse(body.begin() + static_cast<ptrdiff_t>(data + kData.size()),
                    body.begin() + static_cast<ptrdiff_t>(end));
    events.push_back(std::move(event));
    at = end + 2;
  }
  return events;
}

std::string RawContent(const std::string& body) {
  std::vector<RawBlock> blocks;
  size_t at = 0;
  while ((at = body.find("data: ", at)) != std::string::npos) {
    const size_t end = body.find("\n\n", at);
    const std::string data = body.substr(at + 6, end - at - 6);
    at = end;
    const std::string type = RawString(data, "type");
    if (type == "content_block_start") {
      const std::string key = "\"content_block\":";
      const size_t begin = data.find(key) + key.size();
      blocks.emplace_back();
      blocks.back().start = data.substr(begin, data.size() - begin - 1);
    } else if (type == "content_block_delta") {
      RawBlock& block = blocks.back();
      block.text += RawString(data, "text");
      block.thinking += RawString(data, "thinking");
      block.signature += RawString(data, "signature");
      block.input += StringOf(Json::parse(data)["delta"], "partial_json");
    }
  }
  std::string content = "[";
  for (const RawBlock& block : blocks) {
    if (content.size() > 1) content += ',';
    content += Finished(block);
  }
  return content + "]";
}

ServerTest::ServerTest(ServerOptions options)
    : server_(std::move(options), clock_) {
  const absl::Status status = server_.Start();
  EXPECT_TRUE(status.ok()) << status.message();
}

HttpReply ServerTest::Post(const std::string& path, const std::string& body,
                           const HeaderList& headers) {
  httplib::Client client("127.0.0.1", server_.Port());
  return ToReply(
      client.Post(path, ToHeaders(headers), body, "application/json"));
}

HttpReply ServerTest::Get(const std::string& path, const HeaderList& headers) {
  httplib::Client client("127.0.0.1", server_.Port());
  return ToReply(client.Get(path, ToHeaders(headers)));
}

void ServerTest::Control(const Json& settings) {
  const HttpReply reply = Post("/control", settings.dump(), {});
  EXPECT_EQ(reply.status, 200) << reply.body;
}

Json ServerTest::LastCall() {
  const Json calls = Get("/ledger", {}).json["calls"];
  return calls.empty() ? Json() : calls.back();
}

Json ServerTest::Request(const std::string& model, const std::string& prompt) {
  return {{"model", model},
          {"max_tokens", 1000},
          {"messages", Json::array({{{"role", "user"}, {"content", prompt}}})}};
}

Json ServerTest::Streamed(Json request) {
  request["stream"] = true;
  return request;
}

void ExpectInvalid(const HttpReply& reply, const std::string& message) {
  EXPECT_EQ(reply.status, 400) << reply.body;
  EXPECT_EQ(reply.ErrorType(), "invalid_request_error");
  EXPECT_EQ(reply.ErrorMessage(), message);
}

}  // namespace anabranch::fake_claude::testing
