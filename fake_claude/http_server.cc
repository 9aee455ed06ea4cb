#include "fake_claude/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_claude/connection.h"

namespace anabranch::fake_claude {
namespace {

// A connection without a request for this long is closed.
constexpr int kKeepAliveMs = 60'000;

// As many connections as may come at once.
constexpr int kBacklog = 4096;

constexpr char kSocketHeader[] = "CONNECTION_SOCKET";

void CloseIfOpen(int* fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

int PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return address.ss_family == AF_INET6
             ? ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port)
             : ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
}

absl::Status CannotListen(const HttpOptions& options, int error) {
  const std::string place = absl::StrCat(options.host, ":", options.port);
  if (error == EADDRINUSE) {
    return absl::UnavailableError(absl::StrCat(
        place,
        " is in use by another process; choose another port, or 0 for "
        "any free one"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("cannot listen on ", place, ": ", strerror(error)));
}

}  // namespace

absl::Status HttpServer::Start() {
  RETURN_IF_ERROR(Listen());
  int pipe[2];
  if (pipe2(pipe, O_CLOEXEC) != 0) {
    return absl::InternalError(absl::StrCat("pipe: ", strerror(errno)));
  }
  wake_read_ = pipe[0];
  wake_write_ = pipe[1];
  // The library ends its replies when this is invalid.
  svr_sock_ = listener_;
  acceptor_ = std::thread([this] { Accept(); });
  return absl::OkStatus();
}

absl::Status HttpServer::Listen() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(options_.host.c_str(), std::to_string(options_.port).c_str(),
                  &hints, &found);
  if (failure != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown host ", options_.host, ": ", gai_strerror(failure)));
  }
  listener_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const bool listening =
      listener_ >= 0 &&
      ::bind(listener_, found->ai_addr, found->ai_addrlen) == 0 &&
      ::listen(listener_, kBacklog) == 0;
  const int error = errno;
  freeaddrinfo(found);
  if (!listening) {
    CloseIfOpen(&listener_);
    return CannotListen(options_, error);
  }
  port_ = PortOf(listener_);
  return absl::OkStatus();
}

void HttpServer::Stop() {
  if (!acceptor_.joinable()) return;
  svr_sock_ = INVALID_SOCKET;
  CloseIfOpen(&wake_write_);
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    for (const int socket : accepted_) close(socket);
    accepted_.clear();
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
  CloseIfOpen(&listener_);
  CloseIfOpen(&wake_read_);
}

void HttpServer::Accept() {
  while (true) {
    pollfd entries[] = {{.fd = listener_, .events = POLLIN, .revents = 0},
                        {.fd = wake_read_, .events = POLLIN, .revents = 0}};
    if (poll(entries, 2, -1) < 0 && errno != EINTR) return;
    if (entries[1].revents != 0) return;
    if (entries[0].revents == 0) continue;
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) {
      Dispatch(socket);
    } else if (errno == EMFILE || errno == ENFILE) {
      // Out of descriptors: wait for a connection to end.
      poll(&entries[1], 1, 10);
    }
  }
}

void HttpServer::Dispatch(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool wants_thread =
        idle_ <= accepted_.size() &&
        threads_.size() < static_cast<size_t>(options_.connections_max);
    // When the machine has no more threads, the connection waits for one of
    // these to be free.
    if (wants_thread && !StartThread() && threads_.empty()) {
      close(socket);
      return;
    }
    accepted_.push_back(socket);
  }
  changed_.notify_one();
}

bool HttpServer::StartThread() {
  try {
    threads_.emplace_back([this] { Work(); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void HttpServer::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !accepted_.empty(); });
    --idle_;
    if (stopping_) return;
    const int socket = accepted_.front();
    accepted_.pop_front();
    open_.insert(socket);
    lock.unlock();
    Serve(socket);
    lock.lock();
    // Closed under the lock: Stop must not shut down a reused number.
    open_.erase(socket);
    close(socket);
  }
}

void HttpServer::Serve(int socket) {
  Connection connection(socket);
  bool closed = false;
  while (!closed && svr_sock_ != INVALID_SOCKET &&
         connection.AwaitRequest(kKeepAliveMs)) {
    const bool served = process_request(
        connection, false, closed, [socket](httplib::Request& request) {
          request.headers.erase(kSocketHeader);
          request.set_header(kSocketHeader, std::to_string(socket));
        });
    if (!served) break;
  }
}

int HttpServer::SocketOf(const httplib::Request& request) {
  return std::stoi(request.get_header_value(kSocketHeader));
}

}  // namespace anabranch::fake_claude
