#include "client/cli/local_transcripts.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "client/lib/error_details.h"

namespace anabranch::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kExtension[] = ".jsonl";
// The first prompt stands near the top; attachments before it may be long.
constexpr int kLinesRead = 60;
constexpr int64_t kBytesRead = 2 * 1024 * 1024;

absl::Time ToAbsl(fs::file_time_type time) {
  return absl::FromChrono(std::chrono::file_clock::to_sys(time));
}

// The text of a user message: a string, or the first text block.
std::string PromptText(const claude::JsonObject& line) {
  if (line.GetString("type") != "user" || line.GetBool("isMeta")) return "";
  const auto message = claude::JsonObject::Parse(line.Get("message"));
  if (!message.ok()) return "";
  const std::string_view content = message->Get("content");
  if (auto text = claude::AsString(content)) return *text;
  const auto blocks = claude::JsonElements(content);
  if (!blocks.ok()) return "";
  for (const std::string_view block : *blocks) {
    const auto object = claude::JsonObject::Parse(block);
    if (object.ok() && object->GetString("type") == "text") {
      return object->GetString("text");
    }
  }
  return "";
}

// Takes folder and title from the beginning of the file, if they are there.
void ReadHead(LocalTranscript& transcript) {
  std::ifstream file(transcript.path, std::ios::binary);
  std::string text;
  int64_t bytes = 0;
  for (int i = 0; i < kLinesRead && bytes < kBytesRead; ++i) {
    if (!std::getline(file, text)) return;
    bytes += static_cast<int64_t>(text.size());
    const auto line = claude::JsonObject::Parse(text);
    if (!line.ok()) continue;
    if (transcript.folder.empty()) transcript.folder = line->GetString("cwd");
    transcript.title = PromptText(*line);
    if (!transcript.title.empty()) return;
  }
}

std::vector<LocalTranscript> FilesIn(const fs::path& folder) {
  std::vector<LocalTranscript> files;
  std::error_code error;
  for (const auto& project : fs::directory_iterator(
           folder, fs::directory_options::skip_permission_denied, error)) {
    std::error_code ignored;
    if (!project.is_directory(ignored)) continue;
    for (const auto& file : fs::directory_iterator(
             project.path(), fs::directory_options::skip_permission_denied,
             ignored)) {
      std::error_code gone;
      if (file.path().extension() != kExtension ||
          !file.is_regular_file(gone)) {
        continue;
      }
      LocalTranscript transcript;
      transcript.session_id = file.path().stem().string();
      transcript.path = file.path();
      transcript.size_bytes = static_cast<int64_t>(file.file_size(gone));
      transcript.modified = ToAbsl(file.last_write_time(gone));
      if (!gone) files.push_back(std::move(transcript));
    }
  }
  std::sort(files.begin(), files.end(),
            [](const LocalTranscript& a, const LocalTranscript& b) {
              return std::make_pair(b.modified, a.session_id) <
                     std::make_pair(a.modified, b.session_id);
            });
  return files;
}

}  // namespace

absl::StatusOr<fs::path> TranscriptFolder(const Environment& env) {
  if (const auto config = env.getenv("CLAUDE_CONFIG_DIR");
      config.has_value() && !config->empty()) {
    return fs::path(*config) / "projects";
  }
  if (const auto home = env.getenv("HOME");
      home.has_value() && !home->empty()) {
    return fs::path(*home) / ".claude" / "projects";
  }
  return absl::FailedPreconditionError(
      "Neither CLAUDE_CONFIG_DIR nor HOME is set: local transcripts cannot be "
      "found.");
}

absl::StatusOr<std::vector<LocalTranscript>> ListLocalTranscripts(
    const Environment& env, int limit) {
  ASSIGN_OR_RETURN(const fs::path folder, TranscriptFolder(env));
  std::vector<LocalTranscript> files = FilesIn(folder);
  if (limit > 0 && static_cast<int>(files.size()) > limit) files.resize(limit);
  for (LocalTranscript& file : files) ReadHead(file);
  return files;
}

absl::StatusOr<LocalTranscript> FindLocalTranscript(
    const Environment& env, const std::string& session_id) {
  ASSIGN_OR_RETURN(const fs::path folder, TranscriptFolder(env));
  for (LocalTranscript& file : FilesIn(folder)) {
    if (file.session_id == session_id) return std::move(file);
  }
  return client::MakeError(
      absl::StatusCode::kNotFound,
      absl::StrCat("\"", session_id,
                   "\" is neither a file nor a session under ", folder.string(),
                   "."),
      "TRANSCRIPT_NOT_FOUND",
      {{"session_id", session_id}, {"folder", folder.string()}});
}

}  // namespace anabranch::cli
