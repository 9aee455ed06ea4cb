// Transcripts that Claude Code left on this machine.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cli/environment.h"

namespace anabranch::cli {

struct LocalTranscript {
  std::string session_id;  // the file's name without .jsonl
  std::filesystem::path path;
  std::string folder;  // where the session worked; empty when unknown
  std::string title;   // first words of its first prompt; empty when unknown
  absl::Time modified;
  int64_t size_bytes = 0;
};

// $CLAUDE_CONFIG_DIR/projects, else ~/.claude/projects.
absl::StatusOr<std::filesystem::path> TranscriptFolder(const Environment& env);

// Newest first, at most `limit` (0: all). A missing folder is an empty list.
// Reads only the beginning of each file.
absl::StatusOr<std::vector<LocalTranscript>> ListLocalTranscripts(
    const Environment& env, int limit);

// By session id; NotFound tells where was looked.
absl::StatusOr<LocalTranscript> FindLocalTranscript(
    const Environment& env, const std::string& session_id);

}  // namespace anabranch::cli
