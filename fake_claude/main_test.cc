// The binary: its line, its signals, its refusals.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "httplib.h"

namespace anabranch::fake_claude {
namespace {

constexpr char kBinary[] = "fake_claude/fake_claude";
constexpr char kReady[] = "fake_claude listening on http://127.0.0.1:";

// The server as a process.
class Process {
 public:
  explicit Process(std::vector<std::string> arguments) {
    int out[2];
    int err[2];
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(err, O_CLOEXEC), 0);
    arguments.insert(arguments.begin(), kBinary);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    EXPECT_EQ(
        posix_spawn(&pid_, kBinary, &actions, nullptr, argv.data(), environ),
        0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }

  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      Wait();
    }
    close(out_);
    close(err_);
  }

  std::string ReadLine() {
    std::string line;
    char c = 0;
    while (read(out_, &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

  std::string ReadErrors() { return ReadRest(err_); }
  std::string ReadOutput() { return ReadRest(out_); }
  void Signal(int number) { kill(pid_, number); }

  // The exit code, or minus the signal's number.
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  static std::string ReadRest(int fd) {
    std::string text;
    char buffer[512];
    ssize_t n = 0;
    while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
};

int PortOf(const std::string& line) {
  EXPECT_TRUE(line.starts_with(kReady)) << line;
  return std::stoi(line.substr(sizeof(kReady) - 1));
}

TEST(Binary, PrintsItsAddressServesAndStopsOnSignals) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Process process({"--address", "127.0.0.1:0"});
    const int port = PortOf(process.ReadLine());
    httplib::Client client("127.0.0.1", port);
    EXPECT_EQ(client.Get("/healthz")->status, 200);
    process.Signal(signal);
    EXPECT_EQ(process.Wait(), 0);
    EXPECT_EQ(process.ReadOutput(), "");
    EXPECT_EQ(process.ReadErrors(), "");
  }
}

TEST(Binary, RefusesAUsedPortInOneSentence) {
  Process first({"--address", "127.0.0.1:0"});
  const int port = PortOf(first.ReadLine());
  const std::string address = "127.0.0.1:" + std::to_string(port);
  Process second({"--address", address});
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_EQ(second.ReadErrors(),
            "fake_claude: " + address +
                " is in use by another process; choose another port, or 0 for "
                "any free one\n");
  EXPECT_EQ(second.ReadOutput(), "");
}

TEST(Binary, TakesScriptAndFaultsFromItsFlags) {
  const std::string path = std::string(getenv("TEST_TMPDIR")) + "/script.json";
  std::ofstream(path) << R"({"answers":[{"answer":{"text":"From a file."}}]})";
  Process process({"--address", "127.0.0.1:0", "--script", path, "--fault",
                   "status=529,times=1"});
  httplib::Client client("127.0.0.1", PortOf(process.ReadLine()));
  const httplib::Headers headers = {{"x-api-key", "key"},
                                    {"anthropic-version", "2023-06-01"}};
  const std::string body = R"({"model":"claude-haiku-5-5","max_tokens":9,)"
                           R"("messages":[{"role":"user","content":"x"}]})";
  const auto ask = [&] {
    return client.Post("/v1/messages", headers, body, "application/json");
  };
  EXPECT_EQ(ask()->status, 529);
  EXPECT_NE(ask()->body.find("From a file."), std::string::npos);
}

TEST(Binary, SaysWhatIsWrongWithItsFlags) {
  Process address({"--address", "nowhere"});
  EXPECT_EQ(address.Wait(), 1);
  EXPECT_EQ(address.ReadErrors(),
            "fake_claude: --address must be HOST:PORT, not \"nowhere\"\n");
  Process fault({"--address", "127.0.0.1:0", "--fault", "cut"});
  EXPECT_EQ(fault.Wait(), 1);
  EXPECT_EQ(fault.ReadErrors(),
            "fake_claude: --fault: \"cut\" is not key=value\n");
}

}  // namespace
}  // namespace anabranch::fake_claude
