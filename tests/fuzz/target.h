// Fuzz targets: each takes any bytes, and ends the process when what must hold
// of its subject does not. They run over their corpora in ./dev test, and under
// libFuzzer in ./dev fuzz.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace anabranch::fuzz {

using Target = void (*)(std::string_view input);

// All, by name; a target's corpus is the folder tests/fuzz/corpus/NAME.
const std::map<std::string, Target>& Targets();

}  // namespace anabranch::fuzz
