// The flows of this tree replay what released builds have recorded.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anabranch/v1/history.pb.h"
#include "flows/register.h"
#include "orchestrator/replay_check.h"
#include "sdk/flow_registry.h"

namespace anabranch::orchestrator {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

std::vector<SavedHistory> Frozen() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator("tests/histories")) {
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<SavedHistory> all;
  for (const fs::path& path : files) {
    auto histories = ReadHistories(path.string(), ReadFile(path));
    EXPECT_TRUE(histories.ok()) << histories.status();
    if (!histories.ok()) continue;
    std::move(histories->begin(), histories->end(), std::back_inserter(all));
  }
  return all;
}

StoredContent Content() {
  StoredContent content;
  std::error_code none;  // there may be no content at all
  for (const auto& entry :
       fs::directory_iterator("tests/histories/content", none)) {
    content[entry.path().filename()] = ReadFile(entry.path());
  }
  return content;
}

class FrozenHistories : public ::testing::Test {
 protected:
  FrozenHistories() { flows::RegisterFlows(flows_); }

  sdk::FlowRegistry flows_{"this-tree"};
  const std::vector<SavedHistory> histories_ = Frozen();
  const StoredContent content_ = Content();
};

TEST_F(FrozenHistories, ReplayAgainstTheFlowsOfThisTree) {
  for (const SavedHistory& history : histories_) {
    const ReplayCheck check = CheckHistory(flows_, history, content_);
    EXPECT_EQ(check.verdict, ReplayVerdict::kOk)
        << history.file << ":" << history.line << "\n"
        << check.report;
  }
}

TEST_F(FrozenHistories, EveryFlowHasOne) {
  std::set<std::string> frozen;
  for (const SavedHistory& history : histories_) frozen.insert(history.flow);
  for (const sdk::FlowDefinition* flow : flows_.List()) {
    EXPECT_TRUE(frozen.contains(flow->name))
        << flow->name << ": freeze one (tests/histories/README.md)";
  }
}

// What each of them holds the flows to: any other command is noticed.
TEST_F(FrozenHistories, NoticeEveryCommandThatWasAnother) {
  for (const SavedHistory& history : histories_) {
    for (size_t a = 0; a < history.activations.size(); ++a) {
      for (int e = 1; e < history.activations[a].events_size(); ++e) {
        SavedHistory changed = history;
        v1::HistoryEvent& event = *changed.activations[a].mutable_events(e);
        event.mutable_marker_recorded()->set_name("never asked for");
        EXPECT_EQ(CheckHistory(flows_, changed, content_).verdict,
                  ReplayVerdict::kMismatch)
            << history.file << " event " << event.event_id();
      }
    }
  }
}

}  // namespace
}  // namespace anabranch::orchestrator
