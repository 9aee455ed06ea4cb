#include "orchestrator/rpc/progress_hub.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "claude/utf8.h"

namespace anabranch::rpc {
namespace {

constexpr size_t kProgressTotalBytesMax = size_t{64} * 1024 * 1024;
// One message to a watcher.
constexpr size_t kPieceBytesMax = size_t{32} * 1024;
// Runs whose workers may not have heard yet that they are closed.
constexpr size_t kClosedMax = 4096;
// An attempt that streams nothing but keeps its place costs this much.
constexpr size_t kEntryBytes = 256;

bool InsideCharacter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// First character boundary of `text` at or after `at`.
size_t Boundary(std::string_view text, size_t at) {
  while (at < text.size() && InsideCharacter(text[at])) ++at;
  return at;
}

}  // namespace

void ProgressHub::Add(ActivityId activity, int32_t attempt, int64_t offset,
                      std::string_view text) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_.contains(activity.uid)) return;
  auto [it, inserted] = attempts_.try_emplace(activity);
  Attempt& entry = it->second;
  if (inserted) {
    bytes_ += kEntryBytes;
    ages_.push_back(activity);
    entry.age = std::prev(ages_.end());
  } else {
    ages_.splice(ages_.end(), ages_, entry.age);
  }
  if (attempt < entry.attempt) return;
  if (inserted || attempt > entry.attempt) {
    bytes_ -= entry.text.size();
    entry.attempt = attempt;
    entry.begin = offset;
    entry.text.clear();
  }
  Append(entry, offset, text);
  while (bytes_ > kProgressTotalBytesMax && ages_.size() > 1) EvictOldest();
}

void ProgressHub::Append(Attempt& entry, int64_t offset,
                         std::string_view text) {
  int64_t end = entry.begin + static_cast<int64_t>(entry.text.size());
  bytes_ -= entry.text.size();
  if (offset > end) {
    entry.begin = offset;
    entry.text.clear();
    end = offset;
  }
  int64_t known = end - offset;
  if (known < static_cast<int64_t>(text.size())) {
    entry.text += text.substr(static_cast<size_t>(known));
  }
  if (entry.text.size() > limits::kProgressBytesMax) {
    // A quarter more than needed, so that not each token moves all the text.
    size_t keep = limits::kProgressBytesMax * 3 / 4;
    size_t cut = Boundary(entry.text, entry.text.size() - keep);
    entry.text.erase(0, cut);
    entry.begin += static_cast<int64_t>(cut);
  }
  bytes_ += entry.text.size();
}

void ProgressHub::EvictOldest() {
  auto it = attempts_.find(ages_.front());
  bytes_ -= it->second.text.size() + kEntryBytes;
  attempts_.erase(it);
  ages_.pop_front();
}

void ProgressHub::Watch(Uid uid) {
  std::lock_guard<std::mutex> lock(mutex_);
  ++watchers_[uid];
}

void ProgressHub::Unwatch(Uid uid) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = watchers_.find(uid);
  if (it == watchers_.end() || --it->second > 0) return;
  watchers_.erase(it);
  if (closing_.erase(uid) > 0) Drop(uid);
}

void ProgressHub::RunClosed(Uid uid) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_.insert(uid).second) closed_order_.push_back(uid);
  if (closed_order_.size() > kClosedMax) {
    closed_.erase(closed_order_.front());
    closed_order_.pop_front();
  }
  if (watchers_.contains(uid)) {
    closing_.insert(uid);
  } else {
    Drop(uid);
  }
}

void ProgressHub::Drop(Uid uid) {
  auto it = attempts_.lower_bound(ActivityId{uid, 0});
  while (it != attempts_.end() && it->first.uid == uid) {
    bytes_ -= it->second.text.size() + kEntryBytes;
    ages_.erase(it->second.age);
    it = attempts_.erase(it);
  }
}

std::vector<anabranch::v1::ActivityProgress> ProgressHub::Read(
    Uid uid, const ProgressPositions& seen, size_t bytes_max) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<anabranch::v1::ActivityProgress> pieces;
  size_t total = 0;
  for (auto it = attempts_.lower_bound(ActivityId{uid, 0});
       it != attempts_.end() && it->first.uid == uid && total < bytes_max;
       ++it) {
    const Attempt& entry = it->second;
    int64_t from = entry.begin;
    auto position = seen.find(it->first.seq);
    if (position != seen.end()) {
      if (position->second.attempt > entry.attempt) continue;
      if (position->second.attempt == entry.attempt) {
        from = std::max(from, position->second.offset);
      }
    }
    std::string_view text = entry.text;
    if (from - entry.begin > static_cast<int64_t>(text.size())) continue;
    size_t at = Boundary(text, static_cast<size_t>(from - entry.begin));
    while (at < text.size() && total < bytes_max) {
      std::string_view piece =
          claude::Utf8Prefix(text.substr(at), kPieceBytesMax);
      if (piece.empty()) break;
      auto& out = pieces.emplace_back();
      out.set_seq(it->first.seq);
      out.set_attempt(entry.attempt);
      out.set_offset(entry.begin + static_cast<int64_t>(at));
      out.set_text(std::string(piece));
      at += piece.size();
      total += piece.size();
    }
  }
  return pieces;
}

std::vector<int64_t> ProgressHub::Activities(Uid uid) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::vector<int64_t> activities;
  for (auto it = attempts_.lower_bound(ActivityId{uid, 0});
       it != attempts_.end() && it->first.uid == uid; ++it) {
    activities.push_back(it->first.seq);
  }
  return activities;
}

size_t ProgressHub::bytes() {
  std::lock_guard<std::mutex> lock(mutex_);
  return bytes_;
}

}  // namespace anabranch::rpc
