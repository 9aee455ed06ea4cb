// Writes JSON text member by member and splices raw slices in unchanged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace anabranch::claude {

// `text` as a JSON string token. Only what must be escaped is; valid UTF-8
// stays. Invalid bytes become U+FFFD each.
std::string Quote(std::string_view text);

// Commas and colons place themselves. Values in an object follow a Key().
// Programmer errors (a value without a key, an unbalanced End) are CHECKed.
class JsonWriter {
 public:
  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);
  JsonWriter& String(std::string_view text);
  JsonWriter& Int(int64_t value);
  // Integral values without a fraction; others with at most three decimals.
  JsonWriter& Double(double value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  // `json` must be one JSON value; it is copied as it stands.
  JsonWriter& Raw(std::string_view json);

  // InvalidArgument when a String or Key was no valid UTF-8.
  const absl::Status& status() const { return status_; }
  // The text; the writer is empty afterwards. All Begins must be ended.
  std::string Take();

 private:
  enum class Scope { kObject, kArray };

  void BeforeValue();
  void Open(Scope scope, char bracket);
  void Close(Scope scope, char bracket);

  std::string out_;
  std::vector<Scope> scopes_;
  bool first_ = true;  // nothing written yet in the innermost scope
  bool after_key_ = false;
  absl::Status status_;
};

}  // namespace anabranch::claude
