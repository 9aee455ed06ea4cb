#include "client/cli/input.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "claude/json.h"
#include "claude/json_writer.h"

namespace anabranch::cli {
namespace {

absl::Status TooLarge(const std::string& name) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is larger than the limit of ",
                   limits::kPayloadBytesMax / (1024 * 1024), " MiB."));
}

absl::StatusOr<std::string> ReadStream(const std::string& name,
                                       std::istream& in) {
  std::string content;
  std::string piece(64 * 1024, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) ||
         in.gcount() > 0) {
    content.append(piece, 0, in.gcount());
    if (static_cast<int64_t>(content.size()) > limits::kPayloadBytesMax) {
      return TooLarge(name);
    }
  }
  return content;
}

}  // namespace

absl::StatusOr<std::string> ReadAll(const std::string& path, std::istream& in) {
  if (path == "-") return ReadStream("Standard input", in);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a folder; name a file."));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat(path, " cannot be read: ", std::strerror(errno), "."));
  }
  return ReadStream(path, file);
}

absl::StatusOr<std::string> ReadJson(const std::string& source,
                                     std::istream& in) {
  std::string name = "The value";
  std::string text = source;
  if (source == "-" || (!source.empty() && source[0] == '@')) {
    const std::string path = source == "-" ? source : source.substr(1);
    name = path == "-" ? "Standard input" : path;
    ASSIGN_OR_RETURN(text, ReadAll(path, in));
  }
  if (absl::Status valid = claude::ValidateJson(text); !valid.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is no JSON: ", std::string(valid.message())));
  }
  return text;
}

absl::StatusOr<std::string> BuildInput(
    const std::string& base, const std::vector<std::string>& assignments) {
  if (assignments.empty()) return base.empty() ? std::string("{}") : base;
  claude::JsonObject object;
  if (!base.empty()) {
    auto parsed = claude::JsonObject::Parse(base);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(
          "key=value can only be added to an --input that is a JSON object.");
    }
    object = *std::move(parsed);
  }
  std::vector<std::pair<std::string, std::string>> members;
  std::map<std::string, size_t> places;
  for (const std::string& assignment : assignments) {
    const size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", assignment, "\" is not of the form key=value."));
    }
    const std::string key = assignment.substr(0, equals);
    const std::string value = assignment.substr(equals + 1);
    if (!places.emplace(key, members.size()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", key, "\" is given twice."));
    }
    members.emplace_back(
        key, claude::ValidateJson(value).ok() ? value : claude::Quote(value));
  }
  claude::JsonWriter json;
  json.BeginObject();
  for (const claude::JsonMember& member : object.members()) {
    const std::string key = claude::Unescape(member.key);
    if (places.count(key) == 0) json.Key(key).Raw(member.value);
  }
  for (const auto& [key, value] : members) json.Key(key).Raw(value);
  json.EndObject();
  RETURN_IF_ERROR(json.status());
  return json.Take();
}

}  // namespace anabranch::cli
