#include "orchestrator/shard/flow_slot.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace anabranch::shard {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);
constexpr size_t kTextBytes = 256;
constexpr size_t kFileBytes = 4096;
constexpr char kMagic[] = "ABFLOW01";

using Word = std::atomic<uint64_t>;
using Text = std::array<Word, kTextBytes / kWordBytes>;

static_assert(Word::is_always_lock_free && sizeof(Word) == kWordBytes);

uint64_t MagicWord() {
  uint64_t word = 0;
  std::memcpy(&word, kMagic, sizeof(word));
  return word;
}

// Word by word, because the watchdog may read meanwhile. What does not fit is
// left out.
void Write(Text& text, std::string_view value) {
  for (Word& target : text) {
    uint64_t word = 0;
    const size_t size = std::min(value.size(), kWordBytes);
    std::memcpy(&word, value.data(), size);
    value.remove_prefix(size);
    target.store(word, std::memory_order_relaxed);
  }
}

std::string Read(const Text& text) {
  std::string value(kTextBytes, '\0');
  for (size_t i = 0; i < text.size(); ++i) {
    const uint64_t word = text[i].load(std::memory_order_relaxed);
    std::memcpy(value.data() + i * kWordBytes, &word, kWordBytes);
  }
  value.resize(std::min(value.find('\0'), value.size()));
  return value;
}

absl::Status SystemError(std::string_view what) {
  return absl::ErrnoToStatus(errno,
                             absl::string_view(what.data(), what.size()));
}

}  // namespace

struct FlowSlot::Page {
  Word magic;
  Word beat;
  Word uid;
  Word event_id;
  Word deaths;
  Text build;
  Text description;
};

absl::StatusOr<std::unique_ptr<FlowSlot>> FlowSlot::Open(
    const std::string& path, std::string_view build_id) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return SystemError(absl::StrCat("cannot open ", path));
  // A store into a page that the disk has no room for would end the process.
  const int error = posix_fallocate(fd, 0, kFileBytes);
  if (error != 0) {
    close(fd);
    return absl::ErrnoToStatus(error, absl::StrCat("cannot fill ", path));
  }
  auto slot = Map(fd, build_id);
  close(fd);
  return slot;
}

absl::StatusOr<std::unique_ptr<FlowSlot>> FlowSlot::InMemory(
    std::string_view build_id) {
  return Map(-1, build_id);
}

absl::StatusOr<std::unique_ptr<FlowSlot>> FlowSlot::Map(
    int fd, std::string_view build_id) {
  static_assert(sizeof(Page) <= kFileBytes);
  const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* memory =
      mmap(nullptr, kFileBytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (memory == MAP_FAILED) return SystemError("cannot map the flow slot");
  return std::unique_ptr<FlowSlot>(
      new FlowSlot(static_cast<Page*>(memory), build_id));
}

void FlowSlot::Reopen(std::string_view build_id) {
  build_id_ = build_id.substr(0, kTextBytes);
  const bool ours = page_->magic.load() == MagicWord();
  if (ours && page_->beat.load() % 2 == 1) {
    found_ = Mark{place(), Read(page_->build), description(),
                  static_cast<int32_t>(page_->deaths.load())};
    return;
  }
  if (!ours) page_->beat.store(0);
  Clear();
}

std::string WorkAt(const FlowPlace& place) {
  if (place.event_id == 0) return "a query";
  if (place.event_id == FlowPlace::kEviction) return "its eviction";
  return absl::StrCat("event ", place.event_id);
}

FlowSlot::~FlowSlot() { munmap(page_, kFileBytes); }

void FlowSlot::SetDeaths(int32_t deaths) {
  page_->deaths.store(static_cast<uint64_t>(deaths));
}

void FlowSlot::Clear() {
  found_.reset();
  // The mark goes first: what is left of it afterwards means nothing.
  const uint64_t beat = page_->beat.load();
  page_->beat.store(beat + beat % 2);
  page_->deaths.store(0);
  Write(page_->build, build_id_);
  Write(page_->description, "");
  page_->magic.store(MagicWord());
}

void FlowSlot::Describe(std::string_view description) {
  Write(page_->description, description);
}

void FlowSlot::Enter(FlowPlace place) {
  const uint64_t beat = page_->beat.load(std::memory_order_relaxed);
  AB_CHECK(beat % 2 == 0);
  page_->uid.store(place.uid.value, std::memory_order_relaxed);
  page_->event_id.store(static_cast<uint64_t>(place.event_id),
                        std::memory_order_relaxed);
  page_->beat.store(beat + 1, std::memory_order_release);
}

void FlowSlot::Leave() {
  const uint64_t beat = page_->beat.load(std::memory_order_relaxed);
  AB_CHECK(beat % 2 == 1);
  page_->beat.store(beat + 1, std::memory_order_release);
}

uint64_t FlowSlot::beat() const {
  return page_->beat.load(std::memory_order_acquire);
}

FlowPlace FlowSlot::place() const {
  return {
      Uid{page_->uid.load(std::memory_order_relaxed)},
      static_cast<int64_t>(page_->event_id.load(std::memory_order_relaxed))};
}

std::string FlowSlot::description() const { return Read(page_->description); }

}  // namespace anabranch::shard
