// `anabranch replay`: histories against the flows of the installed build.
//
// The command knows no flows: anabranch-replay, beside it, does. Runs are
// fetched into a folder first, with the content that they refer to.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/cli/commands.h"
#include "client/cli/process.h"
#include "client/cli/session.h"
#include "client/cli/up_setup.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace anabranch::cli {
namespace {

namespace fs = std::filesystem;

struct ReplayOptions {
  std::vector<std::string> what;
  std::string bin_dir;
  std::string save;
  // 0: all.
  int generation = 0;
};

// Gone with everything in it when it goes out of scope.
class ScratchFolder {
 public:
  static absl::StatusOr<std::unique_ptr<ScratchFolder>> Create() {
    std::string path =
        (fs::temp_directory_path() / "anabranch-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
      return absl::InternalError(
          absl::StrCat("no folder could be made at ", path));
    }
    return std::unique_ptr<ScratchFolder>(new ScratchFolder(path));
  }
  ~ScratchFolder() {
    std::error_code ignored;  // the system cleans up after us in the end
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  explicit ScratchFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

absl::Status Write(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << bytes;
  file.close();
  if (file) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(path.string(), ": could not be written"));
}

// Adds every reference to stored content in `message`, at any depth.
void FindReferences(const google::protobuf::Message& message,
                    std::vector<v1::PayloadRef>& found) {
  if (message.GetDescriptor() == v1::PayloadRef::descriptor()) {
    found.emplace_back().CopyFrom(message);
    return;
  }
  const auto* reflection = message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() !=
        google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    if (!field->is_repeated()) {
      FindReferences(reflection->GetMessage(message, field), found);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      FindReferences(reflection->GetRepeatedMessage(message, field, i), found);
    }
  }
}

// What is fetched of runs: their histories in files, content by its hash.
class Fetcher {
 public:
  Fetcher(client::Client& client, const fs::path& folder)
      : client_(client), folder_(folder) {}

  // The file with the run's history: of that generation, or, when it is 0, of
  // all, the newest last.
  absl::StatusOr<std::string> Fetch(const std::string& run_id, int generation) {
    // Ids hold nothing that means something in a path.
    const fs::path file = folder_ / (run_id + ".jsonl");
    std::error_code ignored;  // there is none, as a rule
    fs::remove(file, ignored);
    if (generation != 0) {
      RETURN_IF_ERROR(FetchGeneration(run_id, generation, file));
      return file.string();
    }
    v1::GetRunRequest request;
    request.set_run_id(run_id);
    ASSIGN_OR_RETURN(const v1::Run run, client_.GetRun(request));
    const int newest = std::max(1, run.generation());
    for (int one = 1; one <= newest; ++one) {
      RETURN_IF_ERROR(FetchGeneration(run_id, one, file));
    }
    return file.string();
  }

  std::string content_folder() const { return folder_ / "content"; }

 private:
  absl::Status FetchGeneration(const std::string& run_id, int generation,
                               const fs::path& file) {
    v1::GetHistoryRequest request;
    request.set_run_id(run_id);
    request.set_generation(generation);
    do {
      ASSIGN_OR_RETURN(const v1::GetHistoryResponse page,
                       client_.GetHistory(request));
      request.set_page_token(page.next_page_token());
      ASSIGN_OR_RETURN(const std::string json, MessageToJson(page));
      RETURN_IF_ERROR(Write(file, json + "\n"));
      RETURN_IF_ERROR(FetchContent(page));
    } while (!request.page_token().empty());
    return absl::OkStatus();
  }

  absl::Status FetchContent(const v1::GetHistoryResponse& page) {
    fs::create_directories(content_folder());
    std::vector<v1::PayloadRef> references;
    FindReferences(page, references);
    for (const v1::PayloadRef& reference : references) {
      if (!known_.insert(reference.sha256()).second) continue;
      const fs::path path = fs::path(content_folder()) / reference.sha256();
      if (fs::exists(path)) continue;
      ASSIGN_OR_RETURN(const std::string bytes, client_.ReadPayload(reference));
      RETURN_IF_ERROR(Write(path, bytes));
    }
    return absl::OkStatus();
  }

  client::Client& client_;
  fs::path folder_;
  std::set<std::string> known_;
};

absl::StatusOr<ExitCode> Replay(Session& session,
                                const ReplayOptions& options) {
  ASSIGN_OR_RETURN(
      const std::string program,
      Programs(options.bin_dir).Find("anabranch-replay", "orchestrator"));
  ASSIGN_OR_RETURN(const std::unique_ptr<ScratchFolder> scratch,
                   ScratchFolder::Create());
  ProcessSpec spec;
  spec.path = program;
  if (session.json) spec.arguments.emplace_back("--json");
  std::unique_ptr<Fetcher> fetcher;
  for (const std::string& what : options.what) {
    std::error_code ignored;  // what cannot be looked at is no file
    if (what == "-" || fs::exists(what, ignored)) {
      // A file whose name begins with - must not be taken for an option.
      spec.arguments.push_back(what == "-" ? what
                                           : fs::absolute(what).string());
      continue;
    }
    if (what.find('/') != std::string::npos) {
      return absl::NotFoundError(absl::StrCat("There is no file ", what, "."));
    }
    if (fetcher == nullptr) {
      ASSIGN_OR_RETURN(client::Client * client, session.Connect());
      fetcher = std::make_unique<Fetcher>(
          *client,
          options.save.empty() ? scratch->path() : fs::path(options.save));
    }
    ASSIGN_OR_RETURN(const std::string file,
                     fetcher->Fetch(what, options.generation));
    spec.arguments.push_back(file);
  }
  if (fetcher != nullptr) {
    spec.arguments.insert(spec.arguments.end(),
                          {"--payloads", fetcher->content_folder()});
  }
  ASSIGN_OR_RETURN(const ProcessEnd end, RunProcess(spec, session.env.out));
  if (end.signal != 0 || end.exit_code > 2) {
    return absl::InternalError(absl::StrCat(
        program, " ", end.ToString(),
        ": a flow of this build crashes on one of these histories"));
  }
  return static_cast<ExitCode>(end.exit_code);
}

}  // namespace

void AddReplayCommand(CLI::App& app, Session& session) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = session.AddCommand(
      app, "replay",
      "Replay histories against the flows of this build: exit code 1 when one "
      "does not match, 2 when something cannot be read.",
      "anabranch runs history r-1 --json > r-1.jsonl\n"
      "  anabranch replay r-1.jsonl r-2");
  command
      ->add_option("FILE|RUN", options->what,
                   "a file of saved histories (- is standard input), or a run "
                   "of the orchestrator at --address")
      ->required();
  command
      ->add_option("--generation", options->generation,
                   "of runs, replay that generation alone, from 1; all of "
                   "them by default, the newest last")
      ->check(CLI::PositiveNumber);
  command->add_option("--save", options->save,
                      "keep what is fetched of runs in this folder: RUN.jsonl, "
                      "and content/ by SHA-256");
  command->add_option("--bin-dir", options->bin_dir,
                      "where anabranch-replay is; this program's own folder "
                      "by default");
  session.OnChosen(command,
                   [&session, options] { return Replay(session, *options); });
}

}  // namespace anabranch::cli
