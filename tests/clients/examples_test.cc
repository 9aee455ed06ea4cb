// The examples in other languages, each with its own stock gRPC: what a person
// copies must work, and keep a worker's promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client/lib/payload.h"
#include "tests/support/await.h"
#include "tests/support/cluster_fixture.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace anabranch::e2e {
namespace {

using Json = nlohmann::json;
using support::kPatience;
using ::testing::EndsWith;
using ::testing::HasSubstr;

struct Language {
  std::string name;
  std::string interpreter;
  std::string extension;
};
void PrintTo(const Language& language, std::ostream* out) {
  *out << language.name;
}

std::string Source(const std::string& path) {
  const auto found = support::FindSourceFile(path);
  EXPECT_TRUE(found.ok()) << found.status();
  return found.value_or("");
}

std::string Content(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class Examples : public support::ClusterTest,
                 public ::testing::WithParamInterface<Language> {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    example_ = "examples/" + GetParam().name + "/";
    environment_["HOME"] = folder_->path();
    environment_["ANABRANCH_EXAMPLE"] = FolderOf(example_ + "README.md");
    if (GetParam().name == "python") {
      ASSERT_NO_FATAL_FAILURE(MakeStubs());
    } else {
      const char* modules = std::getenv("ANABRANCH_NODE_MODULES");
      ASSERT_NE(modules, nullptr) << "ANABRANCH_NODE_MODULES must name node's "
                                     "packages; ./dev test does";
      environment_["NODE_PATH"] = modules;
      environment_["ANABRANCH_PROTOS"] = Source("protos");
    }
    ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  }

  static std::string FolderOf(const std::string& path) {
    return std::filesystem::absolute(Source(path)).parent_path();
  }

  void MakeStubs() {
    const std::string stubs = folder_->path() + "/stubs";
    const auto made = support::RunProcess(
        {.program = Source(example_ + "generate.sh"), .arguments = {stubs}},
        kPatience);
    ASSERT_TRUE(made.ok()) << made.status();
    ASSERT_EQ(made->end.exit_code, 0);
    environment_["ANABRANCH_STUBS"] = stubs;
  }

  support::ProcessOptions Script(const std::string& path) {
    return {.program = GetParam().interpreter,
            .arguments = {Source(path), cluster_->address()},
            .environment = environment_,
            .stderr_file = folder_->path() + "/script.log"};
  }

  std::unique_ptr<support::Process> Launch(const std::string& path) {
    auto process = support::Process::Start(Script(path));
    EXPECT_TRUE(process.ok()) << process.status();
    return process.ok() ? *std::move(process) : nullptr;
  }

  std::string Log() { return Content(folder_->path() + "/script.log"); }

  void StartActivity(const std::string& run_id, const std::string& type,
                     const Json& input) {
    v1::StartRunRequest request;
    request.set_flow("run_activity");
    request.set_run_id(run_id);
    *request.mutable_input() =
        client::JsonPayload(Json({{"type", type}, {"input", input}}).dump());
    const auto started = client().StartRun(request);
    ASSERT_TRUE(started.ok()) << started.status();
  }

  Json Result(const std::string& run_id) {
    v1::GetRunRequest request;
    request.set_run_id(run_id);
    v1::Run run;
    const bool closed = support::Await([&] {
      auto shown = client().GetRun(request);
      if (shown.ok()) run = *std::move(shown);
      return run.has_close_time();
    });
    EXPECT_TRUE(closed) << run.ShortDebugString() << Log();
    if (run.state() != v1::RUN_STATE_COMPLETED) {
      ADD_FAILURE() << run.ShortDebugString() << Log();
      return nullptr;
    }
    return Json::parse(client::PayloadToJson(run.result()).value_or("null"));
  }

  // A task that has begun and waits for the gate.
  void BeginGate(const std::string& keep) {
    ASSERT_NO_FATAL_FAILURE(
        StartActivity("gate", "gate",
                      {{"begun", begun()}, {"gate", gate()}, {"keep", keep}}));
    ASSERT_TRUE(support::Await([this] { return !Content(begun()).empty(); }))
        << Log();
  }
  void OpenGate() { std::ofstream(gate()) << "open"; }
  std::string begun() { return folder_->path() + "/begun"; }
  std::string gate() { return folder_->path() + "/gate"; }

  std::string example_;
  std::map<std::string, std::string> environment_;
};

INSTANTIATE_TEST_SUITE_P(
    In, Examples,
    ::testing::Values(Language{"python", "/usr/bin/python3", "py"},
                      Language{"node", "/usr/bin/node", "js"}),
    [](const auto& language) { return language.param.name; });

TEST_P(Examples, TheClientStartsWatchesSignalsCancelsAndReadsErrors) {
  const auto ran = support::RunProcess(
      Script(example_ + "client." + GetParam().extension), kPatience);
  ASSERT_TRUE(ran.ok()) << ran.status();
  EXPECT_EQ(ran->end.exit_code, 0) << Log();
  EXPECT_THAT(ran->out, HasSubstr("event 1: run_started\n"));
  EXPECT_THAT(ran->out, HasSubstr("signal_received\n"));
  EXPECT_THAT(ran->out, HasSubstr("\nsignalled: COMPLETED"));
  EXPECT_THAT(ran->out, HasSubstr("a value"));
  EXPECT_THAT(ran->out,
              EndsWith("\ncancelled: CANCELLED\n"
                       "refused: INVALID_ARGUMENT INVALID_FIELD seconds\n"));
}

TEST_P(Examples, TheWorkerOffersAnActivityOfItsOwn) {
  const auto worker = Launch(example_ + "worker." + GetParam().extension);
  ASSERT_NO_FATAL_FAILURE(
      StartActivity("count", "word_count", {{"text", "to be or not to be"}}));
  EXPECT_EQ(Result("count"), Json({{"words", 6}}));
}

TEST_P(Examples, AnOrchestratorsDeathRepeatsNothingOfTheWorkers) {
  const auto worker =
      Launch("tests/clients/gate_worker." + GetParam().extension);
  // Large enough to travel in pieces.
  const std::string keep(200'000, 'k');
  ASSERT_NO_FATAL_FAILURE(BeginGate(keep));
  cluster_->orchestrator().KillAndWait();
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  OpenGate();
  EXPECT_EQ(Result("gate"), Json({{"attempt", 1}, {"kept", keep}}));
  EXPECT_EQ(Content(begun()), "1\n");
}

TEST_P(Examples, AResultThatIsReadyWhileNobodyListensIsHeld) {
  const auto worker =
      Launch("tests/clients/gate_worker." + GetParam().extension);
  ASSERT_NO_FATAL_FAILURE(BeginGate("it"));
  cluster_->orchestrator().KillAndWait();
  OpenGate();
  ASSERT_NO_FATAL_FAILURE(StartOrchestrator());
  EXPECT_EQ(Result("gate"), Json({{"attempt", 1}, {"kept", "it"}}));
  EXPECT_EQ(Content(begun()), "1\n");
}

TEST_P(Examples, AWorkersDeathCostsItsTaskOneMoreAttempt) {
  auto worker = Launch("tests/clients/gate_worker." + GetParam().extension);
  ASSERT_NO_FATAL_FAILURE(BeginGate("it"));
  worker->KillAndWait();
  worker = Launch("tests/clients/gate_worker." + GetParam().extension);
  OpenGate();
  EXPECT_EQ(Result("gate"), Json({{"attempt", 2}, {"kept", "it"}}));
  EXPECT_EQ(Content(begun()), "1\n2\n");
}

}  // namespace
}  // namespace anabranch::e2e
