#include "claude/json.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "claude/utf8.h"

namespace anabranch::claude {
namespace {

constexpr int kDepthMax = 512;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Walks one text; every Skip leaves the position behind what it accepted, or at
// the fault.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool SkipValue(int depth) {
    if (depth > kDepthMax || AtEnd()) return false;
    switch (Peek()) {
      case '{':
        return SkipObject(depth, nullptr);
      case '[':
        return SkipArray(depth, nullptr);
      case '"':
        return SkipString();
      case 't':
        return SkipWord("true");
      case 'f':
        return SkipWord("false");
      case 'n':
        return SkipWord("null");
      default:
        return SkipNumber();
    }
  }

  bool SkipObject(int depth, std::vector<JsonMember>* members) {
    ++pos_;
    SkipSpace();
    if (Accept('}')) return true;
    while (true) {
      SkipSpace();
      const size_t key = pos_;
      if (AtEnd() || Peek() != '"' || !SkipString()) return false;
      const std::string_view name = text_.substr(key + 1, pos_ - key - 2);
      SkipSpace();
      if (!Accept(':')) return false;
      SkipSpace();
      const size_t value = pos_;
      if (!SkipValue(depth + 1)) return false;
      if (members != nullptr) {
        members->push_back({name, text_.substr(value, pos_ - value)});
      }
      SkipSpace();
      if (Accept('}')) return true;
      if (!Accept(',')) return false;
    }
  }

  bool SkipArray(int depth, std::vector<std::string_view>* elements) {
    ++pos_;
    SkipSpace();
    if (Accept(']')) return true;
    while (true) {
      SkipSpace();
      const size_t value = pos_;
      if (!SkipValue(depth + 1)) return false;
      if (elements != nullptr) {
        elements->push_back(text_.substr(value, pos_ - value));
      }
      SkipSpace();
      if (Accept(']')) return true;
      if (!Accept(',')) return false;
    }
  }

  void SkipSpace() {
    while (!AtEnd() && IsSpace(Peek())) ++pos_;
  }

  bool AtEnd() const { return pos_ >= text_.size(); }
  char Peek() const { return text_[pos_]; }

  absl::Status Fault() const {
    return absl::InvalidArgumentError(
        AtEnd() ? absl::StrCat("JSON text is cut off at byte ", pos_)
                : absl::StrCat("malformed JSON at byte ", pos_));
  }

 private:
  bool Accept(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++pos_;
    return true;
  }

  bool SkipWord(std::string_view word) {
    if (text_.substr(pos_, word.size()) != word) return false;
    pos_ += word.size();
    return true;
  }

  bool SkipDigits() {
    const size_t start = pos_;
    while (!AtEnd() && IsDigit(Peek())) ++pos_;
    return pos_ > start;
  }

  bool SkipNumber() {
    Accept('-');
    if (!Accept('0') && !SkipDigits()) return false;
    if (Accept('.') && !SkipDigits()) return false;
    if (!AtEnd() && (Peek() == 'e' || Peek() == 'E')) {
      ++pos_;
      if (!Accept('+')) Accept('-');
      if (!SkipDigits()) return false;
    }
    return true;
  }

  bool SkipEscape() {
    if (AtEnd()) return false;
    const char c = Peek();
    if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) {
      ++pos_;
      return true;
    }
    if (c != 'u') return false;
    ++pos_;
    for (int i = 0; i < 4; ++i, ++pos_) {
      if (AtEnd() || HexValue(Peek()) < 0) return false;
    }
    return true;
  }

  bool SkipString() {
    ++pos_;
    while (!AtEnd()) {
      const unsigned char c = static_cast<unsigned char>(Peek());
      if (c == '"') {
        ++pos_;
        return true;
      }
      if (c == '\\') {
        ++pos_;
        if (!SkipEscape()) return false;
      } else if (c < 0x20) {
        return false;
      } else if (c < 0x80) {
        ++pos_;
      } else {
        const size_t length = Utf8Length(text_.substr(pos_));
        if (length == 0) return false;
        pos_ += length;
      }
    }
    return false;
  }

  std::string_view text_;
  size_t pos_ = 0;
};

// The code unit of the `\uXXXX` at the front of `s`, or -1.
int CodeUnit(std::string_view s) {
  if (s.size() < 6 || s[0] != '\\' || s[1] != 'u') return -1;
  int unit = 0;
  for (size_t i = 2; i < 6; ++i) {
    const int digit = HexValue(s[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

bool IsHigh(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLow(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// Appends the character of the `\u` escape at `body[i]`; returns its length.
size_t UnescapeUnicode(std::string_view body, size_t i, LoneSurrogate lone,
                       std::string& out) {
  const int unit = CodeUnit(body.substr(i));
  AB_CHECK(unit >= 0);
  const int next = CodeUnit(body.substr(i + 6));
  if (IsHigh(unit) && IsLow(next)) {
    AppendUtf8(out, 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00));
    return 12;
  }
  if (!IsHigh(unit) && !IsLow(unit)) {
    AppendUtf8(out, static_cast<uint32_t>(unit));
  } else if (lone == LoneSurrogate::kKeep) {
    out.append(body.substr(i, 6));
  } else {
    AppendUtf8(out, 0xFFFD);
  }
  return 6;
}

char SimpleEscape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

bool KeyIs(std::string_view raw, std::string_view key) {
  if (raw == key) return raw.find('\\') == std::string_view::npos;
  return raw.find('\\') != std::string_view::npos && Unescape(raw) == key;
}

}  // namespace

JsonKind KindOf(std::string_view value) {
  if (value.empty()) return JsonKind::kNone;
  switch (value.front()) {
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case '"':
      return JsonKind::kString;
    case 't':
    case 'f':
      return JsonKind::kBool;
    case 'n':
      return JsonKind::kNull;
    default:
      return JsonKind::kNumber;
  }
}

absl::Status ValidateJson(std::string_view text) {
  Scanner scanner(text);
  scanner.SkipSpace();
  if (!scanner.SkipValue(1)) return scanner.Fault();
  scanner.SkipSpace();
  if (!scanner.AtEnd()) return scanner.Fault();
  return absl::OkStatus();
}

absl::StatusOr<JsonObject> JsonObject::Parse(std::string_view text) {
  Scanner scanner(text);
  scanner.SkipSpace();
  if (!scanner.AtEnd() && scanner.Peek() != '{') {
    RETURN_IF_ERROR(ValidateJson(text));
    return absl::InvalidArgumentError("a JSON object is expected");
  }
  JsonObject object;
  if (scanner.AtEnd() || !scanner.SkipObject(1, &object.members_)) {
    return scanner.Fault();
  }
  scanner.SkipSpace();
  if (!scanner.AtEnd()) return scanner.Fault();
  return object;
}

std::string_view JsonObject::Get(std::string_view key) const {
  for (auto it = members_.rbegin(); it != members_.rend(); ++it) {
    if (KeyIs(it->key, key)) return it->value;
  }
  return {};
}

std::string JsonObject::GetString(std::string_view key) const {
  return AsString(Get(key)).value_or("");
}

std::optional<int64_t> JsonObject::GetInt(std::string_view key) const {
  return AsInt(Get(key));
}

bool JsonObject::GetBool(std::string_view key) const {
  return Get(key) == "true";
}

bool JsonObject::Has(std::string_view key) const {
  const std::string_view value = Get(key);
  return !value.empty() && value != "null";
}

absl::StatusOr<std::vector<std::string_view>> JsonElements(
    std::string_view text) {
  Scanner scanner(text);
  scanner.SkipSpace();
  if (!scanner.AtEnd() && scanner.Peek() != '[') {
    RETURN_IF_ERROR(ValidateJson(text));
    return absl::InvalidArgumentError("a JSON array is expected");
  }
  std::vector<std::string_view> elements;
  if (scanner.AtEnd() || !scanner.SkipArray(1, &elements)) {
    return scanner.Fault();
  }
  scanner.SkipSpace();
  if (!scanner.AtEnd()) return scanner.Fault();
  return elements;
}

std::string Unescape(std::string_view body, LoneSurrogate lone) {
  std::string out;
  out.reserve(body.size());
  size_t i = 0;
  while (i < body.size()) {
    const size_t escape = body.find('\\', i);
    if (escape == std::string_view::npos) {
      out.append(body.substr(i));
      break;
    }
    out.append(body.substr(i, escape - i));
    AB_CHECK(escape + 1 < body.size());
    if (body[escape + 1] == 'u') {
      i = escape + UnescapeUnicode(body, escape, lone, out);
    } else {
      out.push_back(SimpleEscape(body[escape + 1]));
      i = escape + 2;
    }
  }
  return out;
}

std::string_view StringBody(std::string_view value) {
  if (KindOf(value) != JsonKind::kString || value.size() < 2) return {};
  return value.substr(1, value.size() - 2);
}

std::optional<std::string> AsString(std::string_view value) {
  if (KindOf(value) != JsonKind::kString) return std::nullopt;
  return Unescape(StringBody(value));
}

std::optional<int64_t> AsInt(std::string_view value) {
  int64_t result = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, result);
  if (error != std::errc() || stop != end) return std::nullopt;
  return result;
}

std::string Splice(std::string_view text, std::string_view slice,
                   std::string_view replacement) {
  AB_CHECK(slice.data() >= text.data() &&
           slice.data() + slice.size() <= text.data() + text.size());
  const size_t at = static_cast<size_t>(slice.data() - text.data());
  std::string out;
  out.reserve(text.size() - slice.size() + replacement.size());
  out.append(text.substr(0, at));
  out.append(replacement);
  out.append(text.substr(at + slice.size()));
  return out;
}

std::string SetMember(std::string_view object_text, std::string_view key,
                      std::string_view value) {
  const auto object = JsonObject::Parse(object_text);
  AB_CHECK(object.ok());
  const std::string_view old = object->Get(key);
  if (!old.empty()) return Splice(object_text, old, value);
  const size_t end = object_text.rfind('}');
  std::string member = object->members().empty() ? "\"" : ",\"";
  member.append(key).append("\":").append(value);
  return Splice(object_text, object_text.substr(end, 0), member);
}

}  // namespace anabranch::claude
