#include "orchestrator/replay_check.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anabranch/v1/history.pb.h"
#include "anabranch/v1/payload.pb.h"
#include "anabranch/v1/run_service.pb.h"
#include "base/status_macros.h"
#include "google/protobuf/util/json_util.h"
#include "orchestrator/core/payloads.h"
#include "orchestrator/replay/replay.h"
#include "orchestrator/rpc/json_text.h"

namespace anabranch::orchestrator {
namespace {

using v1::HistoryEvent;

// One JSON object of a text, and the line that it begins on.
struct Piece {
  std::string_view json;
  int line = 0;
};

// Cuts a text into its top-level JSON objects, pretty-printed or one a line.
// Only looks for their ends; what is in them is checked when it is parsed.
class Splitter {
 public:
  Splitter(const std::string& file, std::string_view text)
      : file_(file), text_(text) {}

  absl::StatusOr<std::vector<Piece>> Split() {
    std::vector<Piece> pieces;
    while (SkipSpace()) {
      if (text_[at_] != '{') {
        return absl::InvalidArgumentError(
            absl::StrCat(file_, ":", line_,
                         ": not a saved history; expected a page of "
                         "'anabranch runs history RUN --json'"));
      }
      const size_t begin = at_;
      const int line = line_;
      if (!SkipObject()) {
        return absl::InvalidArgumentError(
            absl::StrCat(file_, ":", line,
                         ": the page that begins here does not end; "
                         "is the file cut off?"));
      }
      pieces.push_back({text_.substr(begin, at_ - begin), line});
    }
    return pieces;
  }

 private:
  void Next() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }

  bool SkipSpace() {
    while (at_ < text_.size() &&
           std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      Next();
    }
    return at_ < text_.size();
  }

  // False at the end of the text.
  bool SkipObject() {
    int depth = 0;
    bool in_string = false;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      Next();
      if (in_string) {
        if (c == '\\' && at_ < text_.size()) Next();
        if (c == '"') in_string = false;
      } else if (c == '"') {
        in_string = true;
      } else if (c == '{') {
        ++depth;
      } else if (c == '}' && --depth == 0) {
        return true;
      }
    }
    return false;
  }

  const std::string& file_;
  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
};

// Answers show values as `json`; flows know them as text.
absl::Status RestoreText(HistoryEvent& event) {
  absl::Status status;
  core::ForEachPayload(event, [&status](v1::Payload& payload) {
    if (!payload.has_json() || !status.ok()) return;
    auto text = rpc::ValueToJsonText(payload.json());
    if (text.ok()) {
      payload.set_json_text(*std::move(text));
    } else {
      status = text.status();
    }
  });
  return status;
}

bool IsCommandEvent(const HistoryEvent& event) {
  // The alphabet's numbers: 30 to 49 are command events.
  const int number = static_cast<int>(event.attributes_case());
  return number >= HistoryEvent::kActivityScheduled && number < 50;
}

absl::Status Misplaced(const Piece& piece, const std::string& file,
                       const std::string& problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(file, ":", piece.line, ": ", problem));
}

// Adds an event to the history that it goes on with, or begins the next one.
absl::Status AddEvent(const Piece& piece, const std::string& file,
                      HistoryEvent event,
                      std::vector<SavedHistory>& histories) {
  if (event.event_id() == 1) {
    if (!event.has_run_started()) {
      return Misplaced(piece, file, "event 1 is not RunStarted");
    }
    const auto& started = event.run_started();
    std::string run = absl::StrCat(started.namespace_(), "/", started.run_id());
    int generation = std::max(1, started.generation());
    // One that began by a retry has the first event of the one before.
    if (!histories.empty() && histories.back().run == run) {
      generation = std::max(generation, histories.back().generation + 1);
    }
    SavedHistory& history = histories.emplace_back();
    history.run = std::move(run);
    history.generation = generation;
    history.flow = started.flow();
    history.file = file;
    history.line = piece.line;
  } else if (histories.empty()) {
    return Misplaced(piece, file,
                     absl::StrCat("begins with event ", event.event_id(),
                                  ": the pages before it are missing"));
  } else if (event.event_id() != histories.back().events + 1) {
    return Misplaced(
        piece, file,
        absl::StrCat("event ", event.event_id(), " follows event ",
                     histories.back().events, " of ", histories.back().run,
                     ": a page is missing, or here twice"));
  }
  if (event.attributes_case() == HistoryEvent::ATTRIBUTES_NOT_SET) {
    return Misplaced(piece, file,
                     absl::StrCat("event ", event.event_id(), " is empty"));
  }
  SavedHistory& history = histories.back();
  history.events = event.event_id();
  if (!IsCommandEvent(event) || history.activations.empty()) {
    history.activations.emplace_back();
  }
  *history.activations.back().add_events() = std::move(event);
  return absl::OkStatus();
}

// Content at hand; remembers what was asked for in vain.
class ContentReader : public sdk::PayloadReader {
 public:
  explicit ContentReader(const StoredContent& content) : content_(content) {}

  absl::StatusOr<std::string> Read(const v1::PayloadRef& ref) override {
    auto it = content_.find(ref.sha256());
    if (it != content_.end()) return it->second;
    missing_.insert(
        absl::StrCat(ref.sha256(), " (", ref.size_bytes(), " bytes)"));
    return absl::FailedPreconditionError(
        absl::StrCat("content ", ref.sha256(), " is not at hand"));
  }

  const std::set<std::string>& missing() const { return missing_; }

 private:
  const StoredContent& content_;
  std::set<std::string> missing_;
};

}  // namespace

absl::StatusOr<std::vector<SavedHistory>> ReadHistories(const std::string& file,
                                                        std::string_view text) {
  std::vector<SavedHistory> histories;
  ASSIGN_OR_RETURN(const std::vector<Piece> pieces,
                   Splitter(file, text).Split());
  for (const Piece& piece : pieces) {
    v1::GetHistoryResponse page;
    const auto parsed = google::protobuf::util::JsonStringToMessage(
        google::protobuf::StringPiece(piece.json.data(), piece.json.size()),
        &page);
    if (!parsed.ok()) {
      return Misplaced(piece, file,
                       absl::StrCat("not a page of a history: ",
                                    std::string(parsed.message())));
    }
    for (HistoryEvent& event : *page.mutable_events()) {
      const absl::Status restored = RestoreText(event);
      if (!restored.ok()) {
        return Misplaced(piece, file, std::string(restored.message()));
      }
      RETURN_IF_ERROR(AddEvent(piece, file, std::move(event), histories));
    }
  }
  if (histories.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":1: there is no history in it"));
  }
  return histories;
}

const char* VerdictName(ReplayVerdict verdict) {
  switch (verdict) {
    case ReplayVerdict::kOk:
      return "OK";
    case ReplayVerdict::kMismatch:
      return "MISMATCH";
    case ReplayVerdict::kIncomplete:
      return "INCOMPLETE";
  }
  return "UNKNOWN";
}

ReplayCheck CheckHistory(const sdk::FlowRegistry& flows,
                         const SavedHistory& history,
                         const StoredContent& content) {
  const sdk::FlowDefinition* flow = flows.Find(history.flow);
  if (flow == nullptr) {
    return {
        ReplayVerdict::kMismatch,
        absl::StrCat("build ", flows.build_id(), " has no flow ", history.flow,
                     "; it has: ", absl::StrJoin(flows.Names(), ", "))};
  }
  ContentReader reader(content);
  replay::Replayed replayed = replay::Replay(
      {history.run, flow, flows.build_id(), &reader}, history.activations);
  if (!replayed.mismatch.has_value()) return {};
  if (!reader.missing().empty()) {
    return {ReplayVerdict::kIncomplete,
            absl::StrCat("the flow reads content that a saved history only "
                         "refers to: ",
                         absl::StrJoin(reader.missing(), ", "),
                         "\nwhat to do: replay the run itself (anabranch "
                         "replay RUN), which fetches it, or give a folder "
                         "that has it (--payloads)")};
  }
  return {ReplayVerdict::kMismatch, std::move(replayed.mismatch->report)};
}

}  // namespace anabranch::orchestrator
