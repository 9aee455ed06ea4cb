#include "tests/e2e/narrator.h"

#include <string>

#include "absl/strings/str_format.h"

namespace anabranch::e2e {

void Narrator::Say(std::string_view text) {
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start_);
  Print(absl::StrFormat("%5.1f s  %s", seconds, std::string(text)));
}

void Narrator::Print(std::string_view text) {
  const absl::MutexLock lock(&mutex_);
  out_ << text << std::endl;
}

}  // namespace anabranch::e2e
