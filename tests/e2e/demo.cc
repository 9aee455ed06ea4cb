// The demo: forks & compares a real conversation while processes are killed,
// and proves from two independent records that nothing was paid for twice.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "client/cli/comparison_text.h"
#include "tests/e2e/demo_scenario.h"
#include "tests/e2e/fork_job.h"
#include "tests/e2e/narrator.h"
#include "tests/e2e/paste_lines.h"
#include "tests/support/programs.h"
#include "tests/support/temp_folder.h"

namespace anabranch::e2e {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kAbout[] =
    R"(Imports a real transcript, continues it in four branches, kills the
orchestrator and a worker in the middle, and compares what came of it. At the
end the API's ledger and the run's history must agree: no call whose result
was recorded was made again. Exit code 1: they do not.)";

struct Flags {
  bool json = false;
  DemoOptions options;
  std::string folder;  // kept, when given
};

Json ToJson(const DemoResult& result, bool live) {
  Json json;
  json["ok"] = result.proof.violations.empty();
  json["branches"] = Json::array();
  for (const auto& [name, state] : result.branches) {
    json["branches"].push_back({{"name", name}, {"state", state}});
  }
  json["orchestrator_kills"] = result.orchestrator_kills;
  json["worker_kills"] = result.worker_kills;
  json["in_flight_at_orchestrator_kill"] =
      result.in_flight_at_orchestrator_kill;
  json["in_flight_at_worker_kill"] = result.in_flight_at_worker_kill;
  json["turns_recorded_before_kill"] = result.turns_recorded_before_kill;
  json["worker_death_noticed_ms"] = result.worker_death_noticed_ms;
  const Proof& proof = result.proof;
  if (!live) {  // a real API shows no ledger
    json["ledger_begun"] = proof.ledger_begun;
    json["ledger_finished"] = proof.ledger_finished;
  }
  json["calls_recorded"] = proof.calls_recorded;
  if (!live) {
    json["repeated_after_orchestrator_kill"] =
        proof.repeated_after_orchestrator_kill;
    json["repeated_after_worker_kill"] = proof.repeated_after_worker_kill;
  }
  json["recovery_ms"] = result.recovery_ms;
  if (!proof.violations.empty()) json["violations"] = proof.violations;
  return json;
}

void PrintProof(const Proof& proof, bool live, Narrator& narrator) {
  const auto line = [&](const std::string& name, int64_t value,
                        const std::string& source) {
    const std::string number = std::to_string(value);
    narrator.Print("  " + name + std::string(36 - name.size(), ' ') +
                   std::string(4 - std::min<size_t>(4, number.size()), ' ') +
                   number + "   " + source);
  };
  narrator.Print("\nThe proof");
  if (live) {
    narrator.Print("  a real API shows no ledger: there is no second witness");
  } else {
    line("calls begun", proof.ledger_begun, "the API's ledger");
    line("calls finished", proof.ledger_finished, "the API's ledger");
  }
  line("results recorded", proof.calls_recorded, "the run's history");
  if (!live) {
    line("repeated after the orchestrator died",
         proof.repeated_after_orchestrator_kill, "the API's ledger");
    line("repeated after the worker died", proof.repeated_after_worker_kill,
         "the API's ledger");
  }
  for (const std::string& violation : proof.violations) {
    narrator.Print("  FAILED: " + violation);
  }
  if (proof.violations.empty() && !live) {
    narrator.Print("  begun = recorded + repeated after the worker died: " +
                   std::to_string(proof.ledger_begun) + " = " +
                   std::to_string(proof.calls_recorded) + " + " +
                   std::to_string(proof.repeated_after_worker_kill) +
                   ". Proven.");
  }
}

void PrintPasteLines(Narrator& narrator) {
  narrator.Print("\nTo go on by hand, the first in a terminal of its own:");
  for (const std::string& line : PasteLines(kDefaultAddress)) {
    narrator.Print("  " + line);
  }
}

int Fail(const Flags& flags, const absl::Status& status) {
  const std::string message(status.message());
  std::cerr << "the demo could not be carried out: " << message << std::endl;
  if (flags.json) {
    Json json;
    json["ok"] = false;
    json["error"] = message;
    std::cout << json.dump() << std::endl;
  }
  return 1;
}

int Run(Flags flags) {
  auto temporary = support::TempFolder::Create();
  if (!temporary.ok()) return Fail(flags, temporary.status());
  flags.options.folder =
      flags.folder.empty() ? temporary->path() : flags.folder;
  const auto transcript = support::FindSourceFile(kTranscript);
  if (!transcript.ok()) return Fail(flags, transcript.status());
  flags.options.transcript = *transcript;
  Narrator narrator(flags.json ? std::cerr : std::cout);
  const auto result = RunDemo(flags.options, narrator);
  if (!result.ok()) {
    if (flags.folder.empty()) {
      std::cerr << "logs and store are kept in " << temporary->path() << "\n";
      temporary->Keep();
    }
    return Fail(flags, result.status());
  }
  const auto table = cli::ComparisonTable(result->comparison, 0);
  if (!table.ok()) return Fail(flags, table.status());
  narrator.Print("\nThe comparison\n" + *table);
  PrintProof(result->proof, flags.options.live, narrator);
  PrintPasteLines(narrator);
  if (flags.json) {
    std::cout << ToJson(*result, flags.options.live).dump() << std::endl;
  }
  return result->proof.violations.empty() ? 0 : 1;
}

}  // namespace
}  // namespace anabranch::e2e

int main(int argc, char** argv) {
  using anabranch::e2e::Flags;
  std::signal(SIGPIPE, SIG_IGN);
  Flags flags;
  CLI::App app(anabranch::e2e::kAbout, "demo");
  app.add_flag("--json", flags.json,
               "One JSON object on the last line of stdout; all else goes to "
               "stderr");
  app.add_flag("--live", flags.options.live,
               "Call the API that ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY "
               "name, at your cost");
  app.add_option("--bin-dir", flags.options.bin_dir,
                 "Folder of the programs (default: those built with this one)");
  app.add_option("--folder", flags.folder,
                 "Keep store and logs in this folder, which must exist");
  CLI11_PARSE(app, argc, argv);
  return anabranch::e2e::Run(flags);
}
