// The lines that the demo ends with, to be pasted at the top of the source
// tree. A test runs each.
#pragma once

#include <string>
#include <vector>

namespace anabranch::e2e {

inline constexpr char kDefaultAddress[] = "127.0.0.1:7400";

// The first keeps running; the others go to a second terminal.
// `address`: the orchestrator's, for the line that must name it.
std::vector<std::string> PasteLines(const std::string& address);

}  // namespace anabranch::e2e
