#include "activity_worker/testing/script_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace anabranch::activity_worker::testing {
namespace {

void SetNonBlocking(int fd) {
  AB_CHECK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
}

size_t ContentLength(const std::string& head) {
  const std::string lower = absl::AsciiStrToLower(head);
  constexpr std::string_view kName = "\r\ncontent-length:";
  const size_t at = lower.find(kName);
  if (at == std::string::npos) return 0;
  return std::strtoul(lower.c_str() + at + kName.size(), nullptr, 10);
}

}  // namespace

std::string HttpHead(const std::string& status, const std::string& headers) {
  return absl::StrCat("HTTP/1.1 ", status, "\r\n", headers, "\r\n");
}

std::string HttpChunk(const std::string& data) {
  return absl::StrCat(absl::Hex(data.size()), "\r\n", data, "\r\n");
}

ScriptReply WholeReply(const std::string& status, const std::string& headers,
                       const std::string& body) {
  ScriptReply reply;
  reply.pieces.push_back(HttpHead(
      status, absl::StrCat(headers, "content-length: ", body.size(), "\r\n")));
  reply.pieces.push_back(body);
  return reply;
}

ScriptServer::ScriptServer(Handler handler, std::string greeting)
    : handler_(std::move(handler)), greeting_(std::move(greeting)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  AB_CHECK(listener_ >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  AB_CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address),
                sizeof(address)) == 0);
  AB_CHECK(listen(listener_, 1024) == 0);
  socklen_t size = sizeof(address);
  AB_CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address),
                       &size) == 0);
  port_ = ntohs(address.sin_port);
  SetNonBlocking(listener_);
  AB_CHECK(pipe(wake_) == 0);
  thread_ = std::thread([this] { Loop(); });
}

ScriptServer::~ScriptServer() {
  stopped_ = true;
  AB_CHECK(write(wake_[1], "x", 1) == 1);
  thread_.join();
  for (const auto& [fd, connection] : connections_) close(fd);
  for (const int fd : {listener_, wake_[0], wake_[1]}) close(fd);
}

std::string ScriptServer::Url() const {
  return absl::StrCat("http://127.0.0.1:", port_);
}

void ScriptServer::WaitForRequests(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return requests_.size() >= count; });
}

std::vector<ScriptRequest> ScriptServer::Requests() {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void ScriptServer::Release() {
  released_ = true;
  AB_CHECK(write(wake_[1], "x", 1) == 1);
}

bool ScriptServer::HasOutput(const Connection& connection) const {
  if (connection.held) return false;
  if (!connection.output.empty()) return true;
  if (!connection.replying) return false;
  const bool waits = !released_ && connection.next_piece >=
                                       connection.reply.pieces_before_release;
  return !waits;
}

void ScriptServer::Loop() {
  while (!stopped_) {
    std::vector<pollfd> polled = {{listener_, POLLIN, 0},
                                  {wake_[0], POLLIN, 0}};
    for (const auto& [fd, connection] : connections_) {
      const int out = HasOutput(connection) ? POLLOUT : 0;
      polled.push_back({fd, static_cast<short>(POLLIN | out), 0});
    }
    poll(polled.data(), polled.size(), -1);
    char byte = 0;
    if (polled[1].revents != 0) AB_CHECK(read(wake_[0], &byte, 1) == 1);
    for (size_t i = 2; i < polled.size(); ++i) {
      const int fd = polled[i].fd;
      Connection& connection = connections_.at(fd);
      bool open = true;
      if ((polled[i].revents & ~POLLOUT) != 0) open = Read(fd, connection);
      if (open && (polled[i].revents & POLLOUT) != 0) {
        open = Write(fd, connection);
      }
      if (open) continue;
      close(fd);
      connections_.erase(fd);
    }
    if (polled[0].revents != 0) Accept();
  }
}

void ScriptServer::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    SetNonBlocking(fd);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connections_[fd].output = greeting_;
    ++accepted_;
  }
}

bool ScriptServer::Read(int fd, Connection& connection) {
  char buffer[16 * 1024];
  const ssize_t size = read(fd, buffer, sizeof(buffer));
  if (size <= 0) return false;
  connection.input.append(buffer, static_cast<size_t>(size));
  return TakeRequest(connection);
}

bool ScriptServer::TakeRequest(Connection& connection) {
  if (connection.replying) return true;
  const size_t end = connection.input.find("\r\n\r\n");
  if (end == std::string::npos) return true;
  ScriptRequest request;
  request.head = connection.input.substr(0, end + 2);
  const size_t length = ContentLength(request.head);
  if (connection.input.size() < end + 4 + length) return true;
  request.body = connection.input.substr(end + 4, length);
  connection.input.erase(0, end + 4 + length);
  connection.reply = handler_(request);
  connection.replying = true;
  connection.next_piece = 0;
  const std::scoped_lock lock(mutex_);
  requests_.push_back(std::move(request));
  changed_.notify_all();
  return true;
}

bool ScriptServer::Write(int fd, Connection& connection) {
  if (connection.output.empty()) {
    if (connection.next_piece == connection.reply.pieces.size()) {
      switch (connection.reply.end) {
        case ScriptReply::End::kClose:
          return false;
        case ScriptReply::End::kHold:
          connection.held = true;
          return true;
        case ScriptReply::End::kKeep:
          connection.replying = false;
          return TakeRequest(connection);
      }
    }
    connection.output = connection.reply.pieces[connection.next_piece++];
    if (connection.output.empty()) return true;
  }
  const ssize_t size = send(fd, connection.output.data(),
                            connection.output.size(), MSG_NOSIGNAL);
  if (size < 0) return false;
  connection.output.erase(0, static_cast<size_t>(size));
  return true;
}

}  // namespace anabranch::activity_worker::testing
