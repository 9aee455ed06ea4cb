// Shows what running activities stream, whole or as labelled lines.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>

#include "anabranch/v1/run_service.pb.h"

namespace anabranch::cli {

// Threads: one.
class TokenPrinter {
 public:
  // `raw`: a lone stream appears as it comes; else, and whenever several
  // stream at once, in lines with the activity's label.
  TokenPrinter(std::ostream& out, bool raw) : out_(out), raw_(raw) {}

  void SetLabel(int64_t seq, const std::string& label);
  void Take(const v1::ActivityProgress& progress);
  // The activity streams no more.
  void End(int64_t seq);
  // Ends an open line: somebody else wants to print.
  void BreakLine();

 private:
  struct Stream {
    std::string label;
    int32_t attempt = 0;
    int64_t next_offset = 0;  // bytes of this attempt shown or pending
    std::string pending;      // not yet a line
  };

  void PrintLines(Stream& stream, bool all);

  std::ostream& out_;
  const bool raw_;
  std::map<int64_t, Stream> streams_;
  int64_t raw_seq_ = 0;  // whose raw line is open; 0 is none
};

}  // namespace anabranch::cli
