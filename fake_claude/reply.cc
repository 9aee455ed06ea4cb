#include "fake_claude/reply.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fake_claude/connection.h"

namespace anabranch::fake_claude {
namespace {

// A paced stream sends at most so many deltas a second: more would cost the
// machine what the client is to be measured with.
constexpr double kDeltasPerSecond = 25;
// Unpaced, a delta is so many tokens, as about the API's.
constexpr int kTokensPerDelta = 4;
// Unpaced events are sent together up to this size.
constexpr size_t kWriteBytes = 16 * 1024;

int TokensPerDelta(const Pace& pace) {
  if (pace.tokens_per_second <= 0) return kTokensPerDelta;
  return std::max(1, static_cast<int>(std::lround(std::min(
                         pace.tokens_per_second / kDeltasPerSecond, 1e6))));
}

absl::Duration TimeFor(const Pace& pace, int64_t tokens) {
  if (pace.tokens_per_second <= 0) return absl::ZeroDuration();
  return absl::Seconds(static_cast<double>(tokens) / pace.tokens_per_second);
}

}  // namespace

Reply::Reply(Call call, Clock& clock, Ledger& ledger,
             std::function<bool()> stopping)
    : call_(std::move(call)),
      clock_(clock),
      ledger_(ledger),
      stopping_(std::move(stopping)),
      fault_(call_.decision.fault) {}

Reply::~Reply() {
  if (!ended_) End(stopping_() ? kStopped : kClientGone);
}

void Reply::End(const std::string& outcome) {
  ended_ = true;
  CallEnd end;
  end.outcome = outcome;
  if (outcome == kFinished) {
    end.content = ToJsonText(call_.answer.content);
    end.usage = UsageJson(call_.answer.usage);
  }
  ledger_.End(call_.number, end);
}

bool Reply::Hang() {
  if (!fault_ || fault_->kind != FaultKind::kHang) return true;
  return Silence();
}

bool Reply::Generate() {
  const Pace& pace = call_.decision.pace;
  if (fault_ && fault_->kind == FaultKind::kStall && !Silence()) return false;
  if (!Sleep(absl::Milliseconds(pace.ttft_ms) +
             TimeFor(pace, call_.answer.usage.output_tokens))) {
    return false;
  }
  if (!fault_) return true;
  switch (fault_->kind) {
    case FaultKind::kReset:
      ResetOnClose(call_.socket);
      [[fallthrough]];
    case FaultKind::kCut:
    case FaultKind::kEof:
      End(kCut);
      return false;
    default:
      return true;
  }
}

bool Reply::Stream(httplib::DataSink& sink) {
  const Pace& pace = call_.decision.pace;
  const std::vector<Frame> frames =
      StreamFrames(call_.answer, TokensPerDelta(pace));
  return SendAll(sink, frames);
}

bool Reply::SendAll(httplib::DataSink& sink, const std::vector<Frame>& frames) {
  const Pace& pace = call_.decision.pace;
  const absl::Duration start =
      clock_.Steady() + absl::Milliseconds(pace.ttft_ms);
  int64_t tokens = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    if (IsDue(frames, i)) {
      bool close = false;
      if (!Strike(sink, &close)) return !close;
    }
    tokens += frames[i].tokens;
    const absl::Duration wait = start + TimeFor(pace, tokens) - clock_.Steady();
    // The first frame says that the reply begins.
    if (i > 0 && wait > absl::ZeroDuration() && (!Send(sink) || !Sleep(wait))) {
      return false;
    }
    unsent_ += frames[i].bytes;
    if (frames[i].delta) ++deltas_;
    if (unsent_.size() >= kWriteBytes && !Send(sink)) return false;
  }
  // Recorded first: whoever has the last byte finds the call finished.
  End(kFinished);
  if (!Send(sink)) {
    End(kClientGone);
    return false;
  }
  sink.done();
  return true;
}

bool Reply::IsDue(const std::vector<Frame>& frames, size_t next) const {
  if (!fault_ || next == 0 || fault_->kind == FaultKind::kHang) return false;
  if (fault_->after == kBeforeMessageStop) return next + 1 == frames.size();
  const bool all_deltas = next + 2 >= frames.size();
  return all_deltas || deltas_ >= fault_->after;
}

bool Reply::Strike(httplib::DataSink& sink, bool* close) {
  const Fault fault = *fault_;
  fault_.reset();
  if (fault.kind == FaultKind::kErrorEvent) {
    unsent_ += SseEvent("error", ErrorEventData(fault.error, call_.request_id));
  }
  if (fault.kind == FaultKind::kStall) {
    fault_ = fault;
    const bool goes_on = Send(sink) && Silence();
    fault_.reset();
    *close = !goes_on;
    return goes_on;
  }
  switch (fault.kind) {
    case FaultKind::kErrorEvent:
      End(kErrorEvent);
      break;
    case FaultKind::kEof:
      End(kEof);
      break;
    default:
      End(kCut);
      *close = true;
      break;
  }
  if (!Send(sink)) *close = true;
  if (fault.kind == FaultKind::kReset) ResetOnClose(call_.socket);
  if (!*close) sink.done();
  return false;
}

bool Reply::Silence() {
  return Sleep(fault_->silence_ms < 0 ? absl::InfiniteDuration()
                                      : absl::Milliseconds(fault_->silence_ms));
}

bool Reply::Sleep(absl::Duration duration) {
  if (duration <= absl::ZeroDuration()) return true;
  if (SleepUnlessGone(call_.socket, duration)) return true;
  End(stopping_() ? kStopped : kClientGone);
  return false;
}

bool Reply::Send(httplib::DataSink& sink) {
  if (unsent_.empty()) return true;
  const bool sent = sink.write(unsent_.data(), unsent_.size());
  unsent_.clear();
  if (!sent && !ended_) End(stopping_() ? kStopped : kClientGone);
  return sent;
}

}  // namespace anabranch::fake_claude
