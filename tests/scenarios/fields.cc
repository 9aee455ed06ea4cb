#include "tests/scenarios/fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anabranch/v1/history.pb.h"
#include "base/proto_time.h"
#include "google/protobuf/util/message_differencer.h"
#include "sdk/activity_defaults.h"

namespace anabranch::scenarios {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Drawn at random, told already, or noise.
bool IsSkipped(const FieldDescriptor& field) {
  static const std::set<std::string, std::less<>> skipped = {
      "RunStarted.namespace",
      "RunStarted.run_id",
      "RunStarted.uid",
      "RunStarted.seed",
      "ParentLink.namespace",
      "ActivityInfo.seq",
      "ActivityInfo.activity_type",
      "ActivityInfo.session",
      "ActivityInfo.task_queue",
      "ActivityInfo.priority",
      "ActivityInfo.schedule_time",
      "ActivityInfo.start_time",
      "ClosedAttempt.session",
      "ClosedAttempt.start_time",
      "ClosedAttempt.end_time",
      "ClosedAttempt.jitter",
      "Run.namespace",
      "Run.run_id",
      "Run.uid",
      "Run.input",
  };
  return skipped.contains(
      absl::StrCat(field.containing_type()->name(), ".", field.name()));
}

std::string EnumText(const google::protobuf::EnumValueDescriptor& value) {
  std::string prefix = value.type()->value(0)->name();
  prefix.resize(prefix.size() -
                std::min(prefix.size(), sizeof("UNSPECIFIED") - 1));
  return value.name().starts_with(prefix) ? value.name().substr(prefix.size())
                                          : value.name();
}

std::string FailureText(const v1::Failure& failure) {
  std::string text = failure.type();
  if (!failure.message().empty())
    absl::StrAppend(&text, ": ", failure.message());
  if (failure.has_details()) {
    absl::StrAppend(&text, " ", PayloadText(failure.details()));
  }
  return absl::StrCat("{", text, "}");
}

std::string MessageText(const Message& message, absl::Time origin,
                        const Message* base) {
  if (auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    return TimeText(FromProto(*time), origin);
  }
  if (auto* duration =
          dynamic_cast<const google::protobuf::Duration*>(&message)) {
    return absl::FormatDuration(FromProto(*duration));
  }
  if (auto* payload = dynamic_cast<const v1::Payload*>(&message)) {
    return PayloadText(*payload);
  }
  if (auto* failure = dynamic_cast<const v1::Failure*>(&message)) {
    return FailureText(*failure);
  }
  return absl::StrCat("{", FieldsText(message, origin, base), "}");
}

std::string ScalarText(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(*reflection.GetEnum(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(reflection.GetDouble(message, &field));
    default:
      return "?";
  }
}

std::string RepeatedText(const Message& message, const FieldDescriptor& field,
                         absl::Time origin) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<std::string> texts;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      texts.push_back(MessageText(
          reflection.GetRepeatedMessage(message, &field, i), origin, nullptr));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      texts.push_back(reflection.GetRepeatedString(message, &field, i));
    }
  }
  // A map's order is nobody's.
  if (field.is_map()) std::sort(texts.begin(), texts.end());
  return absl::StrCat("[", absl::StrJoin(texts, ", "), "]");
}

// The same in both.
bool Alike(const Message& a, const Message& b, const FieldDescriptor& field) {
  const Reflection& reflection = *a.GetReflection();
  if (field.is_repeated()) return reflection.FieldSize(a, &field) == 0;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return google::protobuf::util::MessageDifferencer::Equals(
        reflection.GetMessage(a, &field), reflection.GetMessage(b, &field));
  }
  return ScalarText(a, field) == ScalarText(b, field);
}

// What options hold when their caller says nothing.
v1::ActivityOptions DefaultsOf(const v1::ActivityScheduled& scheduled) {
  v1::ActivityOptions none;
  none.mutable_retry()->set_jitter_factor(0);
  return sdk::ResolveOptions(scheduled.activity_type(), none).value_or(none);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> FieldsOf(
    const Message& message, absl::Time origin, const Message* base) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  auto* scheduled = dynamic_cast<const v1::ActivityScheduled*>(&message);
  v1::ActivityOptions defaults;
  if (scheduled != nullptr) defaults = DefaultsOf(*scheduled);
  std::vector<std::pair<std::string, std::string>> out;
  for (const FieldDescriptor* field : fields) {
    if (IsSkipped(*field)) continue;
    if (base != nullptr && Alike(message, *base, *field)) continue;
    if (field->is_repeated()) {
      out.emplace_back(field->name(), RepeatedText(message, *field, origin));
      continue;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      out.emplace_back(field->name(), ScalarText(message, *field));
      continue;
    }
    const Message* below =
        base == nullptr ? nullptr
                        : &base->GetReflection()->GetMessage(*base, field);
    if (scheduled != nullptr && field->name() == "options") below = &defaults;
    std::string text =
        MessageText(reflection.GetMessage(message, field), origin, below);
    if (text != "{}") out.emplace_back(field->name(), text);
  }
  return out;
}

std::string FieldsText(const Message& message, absl::Time origin,
                       const Message* base) {
  std::vector<std::string> texts;
  for (const auto& [name, text] : FieldsOf(message, origin, base)) {
    texts.push_back(absl::StrCat(name, "=", text));
  }
  return absl::StrJoin(texts, " ");
}

std::string PayloadText(const v1::Payload& payload) {
  constexpr size_t kLongest = 200;
  if (payload.has_ref()) {
    return absl::StrCat("<", payload.ref().size_bytes(), " bytes>");
  }
  if (payload.has_text()) {
    size_t lines =
        std::count(payload.text().begin(), payload.text().end(), '\n');
    if (lines > 0) return absl::StrCat("<", lines, " lines>");
    return nlohmann::json(payload.text()).dump();
  }
  if (payload.json_text().size() > kLongest) {
    return absl::StrCat("<", payload.json_text().size(), " bytes of JSON>");
  }
  return payload.json_text().empty() ? "none" : payload.json_text();
}

std::string TimeText(absl::Time time, absl::Time origin) {
  return absl::StrCat("+", absl::FormatDuration(time - origin));
}

}  // namespace anabranch::scenarios
