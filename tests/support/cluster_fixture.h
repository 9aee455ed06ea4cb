// Real processes for one test.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/await.h"
#include "tests/support/cluster.h"
#include "tests/support/temp_folder.h"

namespace anabranch::support {

class ClusterTest : public ::testing::Test {
 protected:
  // A fake API alone; the test starts what it needs.
  void SetUp() override {
    auto folder = TempFolder::Create();
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_.emplace(*std::move(folder));
    auto programs = FindPrograms();
    ASSERT_TRUE(programs.ok()) << programs.status();
    programs_ = *std::move(programs);
    auto cluster =
        Cluster::Create({.programs = programs_, .folder = folder_->path()});
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
  }

  void StartOrchestrator(std::vector<std::string> arguments = {}) {
    const absl::Status status =
        cluster_->StartOrchestrator(std::move(arguments));
    ASSERT_TRUE(status.ok()) << status;
  }

  void StartWorker() {
    absl::Status status = cluster_->StartWorker("worker-1");
    ASSERT_TRUE(status.ok()) << status;
    status = cluster_->AwaitWorkers();
    ASSERT_TRUE(status.ok()) << status;
  }

  client::Client& client() { return cluster_->client(); }

  std::optional<TempFolder> folder_;
  Programs programs_;
  std::unique_ptr<Cluster> cluster_;
};

}  // namespace anabranch::support
