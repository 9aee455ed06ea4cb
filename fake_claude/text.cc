#include "fake_claude/text.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "openssl/evp.h"

namespace anabranch::fake_claude {
namespace {

// Deeper JSON is refused: its walkers are recursive.
constexpr int kDepthMax = 200;

// Longer words count as several tokens.
constexpr size_t kTokenBytesMax = 9;

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

void ReplaceAll(std::string* text, std::string_view from, std::string_view to) {
  for (size_t at = text->find(from); at != std::string::npos;
       at = text->find(from, at + to.size())) {
    text->replace(at, from.size(), to);
  }
}

// The deepest nesting of brackets outside strings.
int Depth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(),
             nullptr);
  return std::string(digest.begin(), digest.begin() + size);
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string Base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

bool FromBase64(std::string_view text, std::string* bytes) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > 1 << 20) {
    return false;
  }
  bytes->assign(text.size() / 4 * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes->data()),
                      reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (size < 0) return false;
  // EVP_DecodeBlock counts the padding as zero bytes.
  size_t padding = 0;
  if (text.back() == '=') ++padding;
  if (text[text.size() - 2] == '=') ++padding;
  bytes->resize(static_cast<size_t>(size) - padding);
  return true;
}

HashStream::HashStream(std::string_view seed) {
  const std::string digest = Sha256(seed);
  std::memcpy(&state_, digest.data(), sizeof(state_));
}

uint64_t HashStream::Next() {
  // SplitMix64.
  state_ += 0x9e3779b97f4a7c15;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::string IdText(HashStream& hash, size_t size) {
  static constexpr std::string_view kAlphabet =
      "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  std::string text(size, '\0');
  for (char& c : text) c = kAlphabet[hash.Below(kAlphabet.size())];
  return text;
}

std::string ToJsonText(const Json& value) {
  std::string text =
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  // Outside strings these cannot occur.
  ReplaceAll(&text, "\xE2\x80\xA8", "\\u2028");
  ReplaceAll(&text, "\xE2\x80\xA9", "\\u2029");
  return text;
}

std::string EscapedText(std::string_view text) {
  const std::string quoted = ToJsonText(Json(std::string(text)));
  return quoted.substr(1, quoted.size() - 2);
}

bool ParseJson(std::string_view text, Json* value, std::string* error) {
  if (Depth(text) > kDepthMax) {
    *error = "nested too deeply";
    return false;
  }
  try {
    *value = Json::parse(text.begin(), text.end());
    return true;
  } catch (const nlohmann::json::exception& e) {
    *error = e.what();
    // Without the library's own prefix.
    const size_t start = error->find("] ");
    if (start != std::string::npos) error->erase(0, start + 2);
    return false;
  }
}

std::vector<std::string_view> Tokens(std::string_view text) {
  std::vector<std::string_view> tokens;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = begin;
    while (end < text.size() && !IsSpace(text[end]) &&
           (end - begin < kTokenBytesMax || IsContinuation(text[end]))) {
      ++end;
    }
    while (end < text.size() && IsSpace(text[end])) ++end;
    tokens.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return tokens;
}

std::string Snippet(std::string_view text, size_t characters) {
  std::string snippet;
  size_t taken = 0;
  bool space = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsSpace(text[i])) {
      space = !snippet.empty();
      continue;
    }
    if (!IsContinuation(text[i])) {
      if (taken + (space ? 1 : 0) >= characters) return snippet + "…";
      if (space) {
        snippet += ' ';
        ++taken;
      }
      space = false;
      ++taken;
    }
    snippet += text[i];
  }
  return snippet;
}

bool GlobMatches(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t after_star = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after_star = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after_star;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string StringOf(const Json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

}  // namespace anabranch::fake_claude
