#include "client/cli/up_setup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/lib/error_details.h"

namespace anabranch::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kApiDefault[] = "https://api.anthropic.com";

}  // namespace

absl::StatusOr<int> FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = fd >= 0 && bind(fd, generic, size) == 0 &&
                     getsockname(fd, generic, &size) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (!bound) {
    return absl::InternalError(
        absl::StrCat("no free port: ", std::strerror(error)));
  }
  return ntohs(address.sin_port);
}

bool AcceptsConnections(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool connected =
      connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

absl::StatusOr<ClaudeSource> RealClaude(const Environment& env) {
  const auto get = [&env](const char* name) {
    return env.getenv(name).value_or("");
  };
  ClaudeSource source;
  source.base_url = get("ANTHROPIC_BASE_URL");
  if (source.base_url.empty()) source.base_url = kApiDefault;
  if (!get("ANTHROPIC_API_KEY").empty()) {
    source.key_from = "ANTHROPIC_API_KEY";
  } else if (!get("ANTHROPIC_AUTH_TOKEN").empty()) {
    source.key_from = "ANTHROPIC_AUTH_TOKEN";
  } else if (!absl::StartsWith(source.base_url, "http://")) {
    // Plain http leads to this machine, where no key is needed.
    return client::MakeError(
        absl::StatusCode::kFailedPrecondition,
        "There is no key for the Claude API. Either set ANTHROPIC_API_KEY, or "
        "try without a key and at no cost: anabranch up --fake-claude",
        "NO_API_KEY", {});
  }
  return source;
}

Programs::Programs(const std::string& bin_dir) : folder_(bin_dir) {
  if (!folder_.empty()) return;
  std::error_code error;
  folder_ = fs::read_symlink("/proc/self/exe", error).parent_path();
}

absl::StatusOr<std::string> Programs::Find(
    const std::string& name, const std::string& target_folder) const {
  for (const fs::path& path :
       {folder_ / name, folder_.parent_path() / target_folder / name}) {
    if (access(path.c_str(), X_OK) == 0 && !fs::is_directory(path)) {
      return path.string();
    }
  }
  return client::MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("There is no program ", name, " in ", folder_.string(),
                   "; './dev build' makes all programs, --bin-dir says "
                   "where they are."),
      "PROGRAM_NOT_FOUND", {{"program", name}, {"folder", folder_.string()}});
}

}  // namespace anabranch::cli
