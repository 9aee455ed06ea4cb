#include "client/cli/token_printer.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "client/cli/text.h"

namespace anabranch::cli {
namespace {

// Bytes after which a line is broken at its last blank.
constexpr size_t kLineBytes = 100;

}  // namespace

void TokenPrinter::SetLabel(int64_t seq, const std::string& label) {
  streams_[seq].label = OneLine(label);
}

void TokenPrinter::Take(const v1::ActivityProgress& progress) {
  Stream& stream = streams_[progress.seq()];
  if (progress.attempt() < stream.attempt) return;
  if (progress.attempt() > stream.attempt) {
    if (stream.attempt > 0) {
      PrintLines(stream, true);
      BreakLine();
      out_ << "[" << stream.label << "] attempt " << progress.attempt()
           << " begins anew" << std::endl;
    }
    stream.attempt = progress.attempt();
    stream.next_offset = 0;
  }
  std::string text = progress.text();
  const int64_t end = progress.offset() + static_cast<int64_t>(text.size());
  if (end <= stream.next_offset) return;  // seen before a reconnection
  if (progress.offset() < stream.next_offset) {
    text.erase(0, stream.next_offset - progress.offset());
  } else if (progress.offset() > stream.next_offset) {
    text.insert(0, " […] ");  // lost while nobody listened
  }
  stream.next_offset = end;
  if (raw_ && streams_.size() == 1) {
    out_ << Printable(text) << std::flush;
    raw_seq_ = progress.seq();
    return;
  }
  stream.pending += text;
  PrintLines(stream, false);
}

void TokenPrinter::PrintLines(Stream& stream, bool all) {
  std::string& pending = stream.pending;
  while (!pending.empty()) {
    size_t cut = pending.find('\n');
    size_t skip = 1;
    if (cut == std::string::npos || cut > kLineBytes) {
      if (pending.size() > kLineBytes) {
        cut = pending.rfind(' ', kLineBytes);
        // No blank: go on until one comes, rather than cut a character.
        if (cut == std::string::npos) cut = pending.find_first_of(" \n");
      } else {
        cut = std::string::npos;
      }
    }
    if (cut == std::string::npos) {
      if (!all) return;
      cut = pending.size();
      skip = 0;
    }
    BreakLine();
    out_ << "[" << stream.label << "] " << OneLine(pending.substr(0, cut))
         << std::endl;
    pending.erase(0, cut + skip);
  }
}

void TokenPrinter::End(int64_t seq) {
  const auto found = streams_.find(seq);
  if (found == streams_.end()) return;
  PrintLines(found->second, true);
  if (raw_seq_ == seq) BreakLine();
  streams_.erase(found);
}

void TokenPrinter::BreakLine() {
  if (raw_seq_ == 0) return;
  out_ << std::endl;
  raw_seq_ = 0;
}

}  // namespace anabranch::cli
