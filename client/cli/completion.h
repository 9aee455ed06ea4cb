// What a shell may offer at the cursor, read off the program's own commands.
#pragma once

#include <string>
#include <vector>

#include "CLI/App.hpp"

namespace anabranch::cli {

// `words` are those before the cursor and, last, the one under it, which may
// be empty; the program's name is not among them. Commands and long options
// that begin with it, sorted; nothing where an option wants a value that the
// shell knows better, for example a file.
std::vector<std::string> Complete(const CLI::App& app,
                                  const std::vector<std::string>& words);

}  // namespace anabranch::cli
