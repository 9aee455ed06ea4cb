#include "orchestrator/rpc/json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "claude/json_writer.h"
#include "simdjson.h"

namespace anabranch::rpc {
namespace {

using google::protobuf::Value;

// Each level of JSON is up to three of protobuf, whose parsers follow 100; the
// messages around the value need the rest.
constexpr int kDepthMax = 28;
constexpr int64_t kIntegerMax = int64_t{1} << 53;
// Above this a whole number is shorter with an exponent.
constexpr double kPlainMax = 1e21;

absl::Status AppendNumber(double number, std::string& out) {
  if (!std::isfinite(number)) {
    return absl::InvalidArgumentError("NaN and infinities are not JSON");
  }
  if (number == 0) number = 0;  // -0
  std::array<char, 64> buffer;
  auto format = std::trunc(number) == number && std::abs(number) < kPlainMax
                    ? std::chars_format::fixed
                    : std::chars_format::general;
  auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                              number, format);
  out.append(buffer.data(), result.ptr);
  return absl::OkStatus();
}

absl::Status Append(const Value& value, std::string& out);

absl::Status AppendObject(const google::protobuf::Struct& object,
                          std::string& out) {
  std::vector<std::pair<std::string_view, const Value*>> sorted;
  sorted.reserve(static_cast<size_t>(object.fields_size()));
  for (const auto& [name, value] : object.fields()) {
    sorted.emplace_back(name, &value);
  }
  std::sort(sorted.begin(), sorted.end());
  out += '{';
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0) out += ',';
    out += claude::Quote(sorted[i].first);
    out += ':';
    RETURN_IF_ERROR(Append(*sorted[i].second, out));
  }
  out += '}';
  return absl::OkStatus();
}

absl::Status AppendArray(const google::protobuf::ListValue& array,
                         std::string& out) {
  out += '[';
  for (int i = 0; i < array.values_size(); ++i) {
    if (i > 0) out += ',';
    RETURN_IF_ERROR(Append(array.values(i), out));
  }
  out += ']';
  return absl::OkStatus();
}

absl::Status Append(const Value& value, std::string& out) {
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return AppendNumber(value.number_value(), out);
    case Value::kStringValue:
      out += claude::Quote(value.string_value());
      return absl::OkStatus();
    case Value::kBoolValue:
      out += value.bool_value() ? "true" : "false";
      return absl::OkStatus();
    case Value::kStructValue:
      return AppendObject(value.struct_value(), out);
    case Value::kListValue:
      return AppendArray(value.list_value(), out);
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      out += "null";
      return absl::OkStatus();
  }
  return absl::InternalError("unknown kind of value");
}

bool Convert(const simdjson::dom::element& element, int depth, Value& out);

bool ConvertNumber(double number, Value& out) {
  out.set_number_value(number);
  return true;
}

bool ConvertObject(const simdjson::dom::object& object, int depth, Value& out) {
  auto& fields = *out.mutable_struct_value()->mutable_fields();
  for (auto [name, member] : object) {
    auto [it, inserted] = fields.insert({std::string(name), Value()});
    if (!inserted || !Convert(member, depth + 1, it->second)) return false;
  }
  return true;
}

bool ConvertArray(const simdjson::dom::array& array, int depth, Value& out) {
  auto* list = out.mutable_list_value();
  for (simdjson::dom::element member : array) {
    if (!Convert(member, depth + 1, *list->add_values())) return false;
  }
  return true;
}

bool Convert(const simdjson::dom::element& element, int depth, Value& out) {
  using simdjson::dom::element_type;
  if (depth > kDepthMax) return false;
  switch (element.type()) {
    case element_type::ARRAY:
      return ConvertArray(element.get_array().value_unsafe(), depth, out);
    case element_type::OBJECT:
      return ConvertObject(element.get_object().value_unsafe(), depth, out);
    case element_type::INT64: {
      int64_t number = element.get_int64().value_unsafe();
      return number >= -kIntegerMax && number <= kIntegerMax &&
             ConvertNumber(static_cast<double>(number), out);
    }
    case element_type::UINT64:
      return false;
    case element_type::DOUBLE:
      return ConvertNumber(element.get_double().value_unsafe(), out);
    case element_type::STRING:
      out.set_string_value(std::string(element.get_string().value_unsafe()));
      return true;
    case element_type::BOOL:
      out.set_bool_value(element.get_bool().value_unsafe());
      return true;
    case element_type::NULL_VALUE:
      out.set_null_value(google::protobuf::NULL_VALUE);
      return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> ValueToJsonText(const Value& value) {
  std::string out;
  RETURN_IF_ERROR(Append(value, out));
  return out;
}

std::optional<Value> JsonTextToValue(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  Value value;
  if (!Convert(root, 1, value)) return std::nullopt;
  return value;
}

}  // namespace anabranch::rpc
