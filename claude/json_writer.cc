#include "claude/json_writer.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "claude/utf8.h"

namespace anabranch::claude {
namespace {

void AppendEscaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out.append("\\\"");
      return;
    case '\\':
      out.append("\\\\");
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\r':
      out.append("\\r");
      return;
    case '\t':
      out.append("\\t");
      return;
    default:
      out.append(absl::StrFormat("\\u%04x", static_cast<unsigned char>(c)));
  }
}

bool MustEscape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

}  // namespace

std::string Quote(std::string_view text) {
  if (!IsValidUtf8(text)) return Quote(ReplaceInvalidUtf8(text));
  std::string out;
  out.reserve(text.size() + 2);
  out.push_back('"');
  for (const char c : text) {
    if (MustEscape(c)) {
      AppendEscaped(out, c);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

void JsonWriter::BeforeValue() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  AB_CHECK_MSG(scopes_.empty() ? out_.empty() : scopes_.back() == Scope::kArray,
               "a JSON value stands where a key is due");
  if (!scopes_.empty() && !first_) out_.push_back(',');
  first_ = false;
}

void JsonWriter::Open(Scope scope, char bracket) {
  BeforeValue();
  out_.push_back(bracket);
  scopes_.push_back(scope);
  first_ = true;
}

void JsonWriter::Close(Scope scope, char bracket) {
  AB_CHECK_MSG(!scopes_.empty() && scopes_.back() == scope && !after_key_,
               "an unbalanced end in JSON");
  scopes_.pop_back();
  out_.push_back(bracket);
  first_ = false;
}

JsonWriter& JsonWriter::BeginObject() {
  Open(Scope::kObject, '{');
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  Close(Scope::kObject, '}');
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  Open(Scope::kArray, '[');
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  Close(Scope::kArray, ']');
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  AB_CHECK_MSG(
      !scopes_.empty() && scopes_.back() == Scope::kObject && !after_key_,
      "a JSON key outside an object");
  if (!first_) out_.push_back(',');
  first_ = false;
  if (!IsValidUtf8(key)) {
    status_ = absl::InvalidArgumentError("a JSON key is no valid UTF-8");
  }
  out_.append(Quote(key));
  out_.push_back(':');
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  BeforeValue();
  if (!IsValidUtf8(text)) {
    status_ = absl::InvalidArgumentError("a text is no valid UTF-8");
  }
  out_.append(Quote(text));
  return *this;
}

JsonWriter& JsonWriter::Int(int64_t value) {
  BeforeValue();
  absl::StrAppend(&out_, value);
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  if (!std::isfinite(value)) return Null();
  BeforeValue();
  std::string text = absl::StrFormat("%.3f", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  out_.append(text);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  BeforeValue();
  out_.append(value ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::Null() {
  BeforeValue();
  out_.append("null");
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  AB_CHECK_MSG(!json.empty(), "an empty slice is no JSON value");
  BeforeValue();
  out_.append(json);
  return *this;
}

std::string JsonWriter::Take() {
  AB_CHECK_MSG(scopes_.empty(), "JSON text is taken before its end");
  first_ = true;
  return std::exchange(out_, {});
}

}  // namespace anabranch::claude
