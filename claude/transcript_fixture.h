// Builds transcripts line by line, and reads the real ones, for tests.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace anabranch::claude {

// A file below tests/data/transcripts.
inline std::string ReadTranscriptFile(const std::string& name) {
  std::ifstream file("tests/data/transcripts/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// Lines as Claude Code writes them, with what the reader looks at.
class TranscriptBuilder {
 public:
  // `content`: raw JSON. `extra`: more members, each followed by a comma.
  TranscriptBuilder& User(std::string_view uuid, std::string_view parent,
                          std::string_view content,
                          std::string_view extra = "") {
    return Line(
        "user", uuid, parent, extra,
        R"("message":{"role":"user","content":)" + std::string(content) + "}");
  }

  // One content block of the reply `id`.
  TranscriptBuilder& Assistant(std::string_view uuid, std::string_view parent,
                               std::string_view id, std::string_view block,
                               std::string_view extra = "") {
    return Line("assistant", uuid, parent, extra,
                R"("message":{"id":")" + std::string(id) + R"(","model":"m-)" +
                    std::string(id) +
                    R"(","role":"assistant","type":"message","content":[)" +
                    std::string(block) + R"(],"stop_reason":"end_turn",)" +
                    R"("usage":{"input_tokens":10,"output_tokens":2}})");
  }

  TranscriptBuilder& Attachment(std::string_view uuid, std::string_view parent,
                                std::string_view attachment) {
    return Line("attachment", uuid, parent, "",
                R"("attachment":)" + std::string(attachment));
  }

  TranscriptBuilder& Raw(std::string_view line) {
    text_.append(line).append("\n");
    return *this;
  }

  const std::string& text() const { return text_; }

 private:
  TranscriptBuilder& Line(std::string_view type, std::string_view uuid,
                          std::string_view parent, std::string_view extra,
                          const std::string& rest) {
    ++seconds_;
    const std::string parent_json =
        parent.empty() ? "null" : "\"" + std::string(parent) + "\"";
    return Raw(R"({"parentUuid":)" + parent_json + R"(,"type":")" +
               std::string(type) + R"(","uuid":")" + std::string(uuid) +
               R"(","sessionId":"s1","version":"2.1.330",)" +
               std::string(extra) + R"("timestamp":"2026-11-23T07:00:)" +
               (seconds_ < 10 ? "0" : "") + std::to_string(seconds_) +
               R"(.000Z",)" + rest + "}");
  }

  std::string text_;
  int seconds_ = 0;
};

// Blocks.
inline std::string TextBlock(const std::string& text) {
  return R"({"type":"text","text":")" + text + R"("})";
}
inline std::string ToolUseBlock(const std::string& id) {
  return R"({"type":"tool_use","id":")" + id + R"(","name":"Bash","input":{}})";
}
inline std::string ToolResultBlock(const std::string& id) {
  return R"({"type":"tool_result","tool_use_id":")" + id +
         R"(","content":"out-)" + id + R"("})";
}

}  // namespace anabranch::claude
