#include "tests/e2e/paste_lines.h"

#include "absl/strings/str_cat.h"

namespace anabranch::e2e {
namespace {

constexpr char kUp[] = "bin/anabranch up --fake-claude";
constexpr char kChat[] = "bin/anabranch run claude_chat prompt='Say hi'";
constexpr char kImport[] =
    "bin/anabranch conversations import "
    "tests/data/transcripts/in_place_branch.jsonl";
constexpr char kFork[] =
    "bin/anabranch run fork-compare "
    "--conversation 11111111-1111-4111-8111-111111111111 --fork-at 5 "
    "--model claude-opus-5-5 --model claude-haiku-5-5 "
    "--message 'Are you sure?'";
constexpr char kBuf[] =
    ".cache/buf-1.75.0/buf curl --http2-prior-knowledge --protocol grpc "
    "--reflect-protocol grpc-v1alpha "
    R"(-d '{"flow":"claude_chat","input":{"json":{"prompt":"Say hi"}},)"
    R"("wait":"30s"}')";

}  // namespace

std::vector<std::string> PasteLines(const std::string& address) {
  return {kUp, kChat, kImport, kFork,
          absl::StrCat(kBuf, " http://", address,
                       "/anabranch.v1.RunService/StartRun")};
}

}  // namespace anabranch::e2e
