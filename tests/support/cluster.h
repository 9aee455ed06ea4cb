// The project's processes as a user runs them: a fake API, an orchestrator and
// workers, each of which can be killed and started again.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/lib/client.h"
#include "tests/support/fake_api.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"
#include "tests/support/reserved_port.h"

namespace anabranch::support {

struct ClusterOptions {
  Programs programs;
  // Holds the store ("data") and each process's stderr ("<name>.log").
  std::string folder;
  // Without it workers call the API that the environment names.
  bool fake = true;
  std::vector<std::string> fake_arguments = {};
  std::vector<std::string> orchestrator_arguments = {};
  std::vector<std::string> worker_arguments = {};
};

// All of it dies with this object. Threads: one; processes must be started by
// a thread that lives as long as they shall.
class Cluster {
 public:
  // Starts the fake API alone.
  static absl::StatusOr<std::unique_ptr<Cluster>> Create(
      ClusterOptions options);

  // Ends well when the orchestrator says that it listens. It has the same
  // address in every life.
  absl::Status StartOrchestrator(std::vector<std::string> arguments = {});
  // The same without waiting: for one that shall die before it listens.
  absl::Status LaunchOrchestrator(std::vector<std::string> arguments = {});
  absl::Status AwaitListening();
  absl::Status StartWorker(const std::string& label);
  // Waits until each of them is connected.
  absl::Status AwaitWorkers();

  Process& orchestrator() { return *orchestrator_; }
  Process& worker(const std::string& label) { return *workers_.at(label); }
  // Nothing of a removed worker is waited for any more.
  void RemoveWorker(const std::string& label) { workers_.erase(label); }

  const ClusterOptions& options() const { return options_; }
  std::string address() const { return port_.Address(); }
  std::string data_dir() const { return options_.folder + "/data"; }
  const FakeApi& fake() const { return *fake_api_; }
  client::Client& client() { return *client_; }
  // The client is gone, and with it its idle connection, for which a server
  // that stops would wait a while. Nobody may use it any more.
  void Disconnect() { client_.reset(); }

 private:
  Cluster(ClusterOptions options, ReservedPort port)
      : options_(std::move(options)), port_(std::move(port)) {}

  absl::Status StartFake();
  std::string LogOf(const std::string& name) const {
    return options_.folder + "/" + name + ".log";
  }

  const ClusterOptions options_;
  const ReservedPort port_;
  std::unique_ptr<client::Client> client_;
  std::optional<FakeApi> fake_api_;
  std::unique_ptr<Process> fake_;
  std::unique_ptr<Process> orchestrator_;
  std::map<std::string, std::unique_ptr<Process>> workers_;
};

}  // namespace anabranch::support
