#include "tests/scenarios/render.h"

#include <cctype>
#include <regex>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "tests/scenarios/fields.h"

namespace anabranch::scenarios {
namespace {

// So many alike in a row are told as one line.
constexpr size_t kRowMin = 5;

// "activity_scheduled" → "ActivityScheduled".
std::string TypeName(const v1::HistoryEvent& event) {
  const auto* oneof = event.GetDescriptor()->FindOneofByName("attributes");
  const auto* field =
      event.GetReflection()->GetOneofFieldDescriptor(event, oneof);
  return field == nullptr ? "nothing" : field->message_type()->name();
}

const google::protobuf::Message* AttributesOf(const v1::HistoryEvent& event) {
  const auto* oneof = event.GetDescriptor()->FindOneofByName("attributes");
  const auto* field =
      event.GetReflection()->GetOneofFieldDescriptor(event, oneof);
  return field == nullptr ? nullptr
                          : &event.GetReflection()->GetMessage(event, field);
}

// The line without its numbers.
std::string Shape(const std::string& line) {
  static const std::regex seq("(seq=)[0-9]+");
  return std::regex_replace(line, seq, "$01*");
}

}  // namespace

std::string Renderer::Event(const v1::HistoryEvent& event) const {
  std::string line =
      absl::StrCat(Time(FromProto(event.event_time())), " ", TypeName(event));
  if (const auto* attributes = AttributesOf(event); attributes != nullptr) {
    std::string fields = FieldsText(*attributes, origin_);
    if (!fields.empty()) absl::StrAppend(&line, " ", fields);
  }
  // Stimuli begin activations: what they caused stands deeper.
  return event.activation() == event.event_id() ? line
                                                : absl::StrCat("  ", line);
}

std::vector<std::string> Renderer::History(
    const std::vector<v1::HistoryEvent>& events) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < events.size();) {
    std::string line = Event(events[i]);
    size_t end = i + 1;
    while (end < events.size() && Shape(Event(events[end])) == Shape(line)) {
      ++end;
    }
    if (end - i < kRowMin) end = i + 1;
    std::string number = absl::StrCat(events[i].event_id());
    if (end - i > 1) {
      absl::StrAppend(&number, "-", events[end - 1].event_id());
      line = absl::StrCat(Shape(line), " (", end - i, " alike)");
    }
    lines.push_back(absl::StrCat(number, " ", line));
    i = end;
  }
  return lines;
}

std::vector<std::string> Renderer::Run(const v1::Run& run) {
  std::vector<std::string> lines;
  for (const auto& [name, text] : FieldsOf(run, origin_)) {
    lines.push_back(absl::StrCat(name, "=", text));
  }
  return lines;
}

std::string Renderer::Worker(const v1::Worker& worker) const {
  return FieldsText(worker, origin_);
}

std::string Renderer::Payload(const v1::Payload& payload) const {
  return PayloadText(payload);
}

std::string Renderer::TaskExtras(const v1::Task& task) const {
  std::string text;
  if (task.has_heartbeat_details()) {
    absl::StrAppend(&text,
                    " heartbeat_details=", Payload(task.heartbeat_details()));
  }
  if (task.has_heartbeat_timeout()) {
    absl::StrAppend(&text, " heartbeat_timeout=",
                    absl::FormatDuration(FromProto(task.heartbeat_timeout())));
  }
  if (!task.task_queue().empty() && task.task_queue() != "default") {
    absl::StrAppend(&text, " queue=", task.task_queue());
  }
  return text;
}

std::string Renderer::Time(absl::Time time) const {
  return TimeText(time, origin_);
}

std::string Renderer::Stable(const std::string& text) {
  static const std::regex drawn(
      "\\b(?:([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})"
      "|([0-9]{17,20})|([0-9a-f]{16}))\\b");
  std::string out;
  auto at = text.cbegin();
  for (std::sregex_iterator match(text.begin(), text.end(), drawn), end;
       match != end; ++match) {
    out.append(at, (*match)[0].first);
    std::string kind = (*match)[1].matched   ? "uuid"
                       : (*match)[2].matched ? "random"
                                             : "uid";
    out += NameOf(kind, match->str());
    at = (*match)[0].second;
  }
  return out.append(at, text.cend());
}

std::string Renderer::NameOf(const std::string& kind,
                             const std::string& drawn) {
  std::string& name = names_[drawn];
  if (name.empty()) name = absl::StrCat(kind, "#", ++counts_[kind]);
  return name;
}

}  // namespace anabranch::scenarios
