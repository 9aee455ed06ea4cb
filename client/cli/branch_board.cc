#include "client/cli/branch_board.h"

#include <algorithm>
#include <ostream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "claude/json.h"
#include "client/cli/text.h"

namespace anabranch::cli {
namespace {

constexpr char kTurn[] = "/turn-";
constexpr size_t kTailBytes = 200;
constexpr absl::Duration kDrawInterval = absl::Milliseconds(50);

// ", 120 tokens out" from the API's words; nothing when it did not say.
std::string UsageText(const std::string& usage_json) {
  const auto usage = claude::JsonObject::Parse(usage_json);
  if (!usage.ok()) return "";
  const auto tokens = usage->GetInt("output_tokens");
  if (!tokens.has_value()) return "";
  return absl::StrCat(", ", *tokens, " tokens out");
}

}  // namespace

TurnName ParseTurnName(const std::string& name) {
  const size_t slash = name.rfind(kTurn);
  TurnName parsed;
  if (slash == std::string::npos ||
      !absl::SimpleAtoi(name.substr(slash + sizeof(kTurn) - 1), &parsed.turn)) {
    return {name, 0};
  }
  parsed.branch = name.substr(0, slash);
  return parsed;
}

BranchBoard::BranchBoard(std::ostream& out,
                         const std::vector<std::string>& branches, bool live,
                         int width)
    : out_(out), live_(live), width_(width > 0 ? width : 80) {
  for (const std::string& name : branches) {
    branches_.emplace_back().name = name;
  }
}

void BranchBoard::Take(const v1::WatchRunResponse& message) {
  switch (message.kind_case()) {
    case v1::WatchRunResponse::kEvent:
      TakeEvent(message.event());
      break;
    case v1::WatchRunResponse::kActivity:
      TakeActivity(message.activity());
      break;
    case v1::WatchRunResponse::kProgress:
      TakeProgress(message.progress());
      break;
    default:
      break;
  }
  if (live_) Draw(message.has_final_run());
}

void BranchBoard::TakeEvent(const v1::HistoryEvent& event) {
  names_.Learn(event);
  if (event.has_activity_completed()) {
    const auto& done = event.activity_completed();
    Tell(done.seq(), absl::StrCat("done", UsageText(done.info().usage_json())));
  } else if (event.has_activity_failed()) {
    const auto& failed = event.activity_failed();
    Tell(failed.seq(), absl::StrCat("FAILED: ", FailureText(failed.failure())));
  } else if (event.has_activity_timed_out()) {
    Tell(event.activity_timed_out().seq(), "TIMED OUT");
  } else if (event.has_activity_cancelled()) {
    Tell(event.activity_cancelled().seq(), "cancelled");
  }
}

void BranchBoard::TakeActivity(const v1::ActivityInfo& activity) {
  names_.Learn(activity);
  switch (activity.state()) {
    case v1::ACTIVITY_STATE_RUNNING:
      Tell(activity.seq(),
           activity.attempt() > 1
               ? absl::StrCat("started, attempt ", activity.attempt())
               : "started");
      break;
    case v1::ACTIVITY_STATE_BACKING_OFF:
      Tell(activity.seq(),
           absl::StrCat("attempt ", activity.attempt(),
                        " failed: ", FailureText(activity.last_failure()),
                        "; trying again"));
      break;
    case v1::ACTIVITY_STATE_READY:
      if (activity.no_worker()) Tell(activity.seq(), "waits for a worker");
      break;
    default:
      break;
  }
}

void BranchBoard::TakeProgress(const v1::ActivityProgress& progress) {
  const TurnName name = ParseTurnName(names_.Get(progress.seq()));
  Branch* branch = Find(name.branch);
  if (branch == nullptr) return;
  const int64_t key = progress.seq() * 1000 + progress.attempt();
  if (branch->attempt_key != key) {
    branch->attempt_key = key;
    branch->tail.clear();
  }
  branch->bytes =
      progress.offset() + static_cast<int64_t>(progress.text().size());
  branch->news = absl::StrCat("turn ", name.turn, " streams");
  branch->tail += progress.text();
  if (branch->tail.size() > kTailBytes) {
    branch->tail.erase(0, branch->tail.size() - kTailBytes);
  }
}

// Of activities that are no turns only trouble is news.
void BranchBoard::Tell(int64_t seq, const std::string& news) {
  const TurnName name = ParseTurnName(names_.Get(seq));
  Branch* branch = Find(name.branch);
  if (branch == nullptr && (news == "started" || news == "done")) return;
  // A watch that goes on after a restart may say the same again.
  if (last_news_[seq] == news) return;
  last_news_[seq] = news;
  const std::string text =
      name.turn > 0 ? absl::StrCat("turn ", name.turn, " ", news) : news;
  if (branch != nullptr) {
    branch->news = text;
    branch->bytes = 0;
    branch->tail.clear();
  }
  if (!live_) {
    out_ << OneLine(absl::StrCat(name.branch, ": ", text)) << std::endl;
  }
}

BranchBoard::Branch* BranchBoard::Find(const std::string& name) {
  for (Branch& branch : branches_) {
    if (branch.name == name) return &branch;
  }
  return nullptr;
}

void BranchBoard::Draw(bool always) {
  const absl::Time now = absl::Now();
  if (drawn_ && !always && now - drawn_at_ < kDrawInterval) return;
  size_t names = 0;
  for (const Branch& branch : branches_) {
    names = std::max(names, branch.name.size());
  }
  std::string text;
  if (drawn_) text = absl::StrCat("\x1b[", branches_.size(), "A");
  for (const Branch& branch : branches_) {
    std::string line = branch.name;
    line.append(names + 2 - line.size(), ' ');
    line += branch.news;
    if (branch.bytes > 0) {
      absl::StrAppend(&line, "  ", FormatBytes(branch.bytes), "  ");
    }
    line = OneLine(line);
    // As much of the text's end as fits.
    std::string tail = OneLine(branch.tail);
    const int room = width_ - 1 - DisplayWidth(line);
    while (!tail.empty() && DisplayWidth(tail) > std::max(room, 0)) {
      size_t cut = 1;
      while (cut < tail.size() && (tail[cut] & 0xC0) == 0x80) ++cut;
      tail.erase(0, cut);
    }
    absl::StrAppend(&text, "\x1b[2K", Truncate(line + tail, width_ - 1), "\n");
  }
  out_ << text << std::flush;
  drawn_ = true;
  drawn_at_ = now;
}

}  // namespace anabranch::cli
