#include "tests/program/words.h"

#include <cctype>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace anabranch::program {
namespace {

// Where the word that begins at `at` ends; npos when it does not.
size_t EndOfWord(std::string_view line, size_t at) {
  int depth = 0;
  bool quoted = false;
  for (; at < line.size(); ++at) {
    char c = line[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == ' ' && depth <= 0) break;
  }
  return quoted || depth > 0 ? std::string_view::npos : at;
}

// How long the name of `name=value` is; 0 when the word is none.
size_t OptionNameLength(std::string_view word) {
  size_t length = 0;
  while (length < word.size() &&
         (std::islower(static_cast<unsigned char>(word[length])) != 0 ||
          word[length] == '_')) {
    ++length;
  }
  return length < word.size() && word[length] == '=' ? length : 0;
}

}  // namespace

absl::StatusOr<Words> SplitWords(std::string_view line) {
  Words words;
  size_t at = 0;
  while (true) {
    while (at < line.size() && line[at] == ' ') ++at;
    if (at >= line.size()) return words;
    size_t end = EndOfWord(line, at);
    if (end == std::string_view::npos) {
      return absl::InvalidArgumentError("a quote or bracket is not closed");
    }
    std::string word(line.substr(at, end - at));
    at = end;
    size_t name_length = OptionNameLength(word);
    if (name_length == 0) {
      words.plain.push_back(std::move(word));
      continue;
    }
    std::string name = word.substr(0, name_length);
    if (!words.options.emplace(name, word.substr(name_length + 1)).second) {
      return absl::InvalidArgumentError(absl::StrCat(name, "= is there twice"));
    }
  }
}

std::vector<Line> SplitLines(std::string_view text) {
  std::vector<Line> lines;
  int number = 0;
  for (absl::string_view part :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    Line line;
    line.number = number;
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    while (!part.empty() && part.front() == ' ') {
      part.remove_prefix(1);
      ++line.indent;
    }
    if (part.empty() || part.front() == '#') continue;
    line.text = std::string(part);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string Unquoted(const std::string& word) {
  if (word.empty() || word.front() != '"') return word;
  auto value = nlohmann::json::parse(word, nullptr, false);
  return value.is_string() ? value.get<std::string>() : word;
}

std::string Quoted(const std::string& text) {
  bool plain = !text.empty();
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && c != '_' && c != '.' && c != '*') {
      plain = false;
    }
  }
  return plain ? text : nlohmann::json(text).dump();
}

}  // namespace anabranch::program
