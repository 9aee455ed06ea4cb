// The program: its command line read and carried out.
#pragma once

#include <string>
#include <vector>

#include "client/cli/environment.h"

namespace anabranch::cli {

// `arguments` without the program's name. Returns the exit code.
int RunProgram(const std::vector<std::string>& arguments, Environment env);

}  // namespace anabranch::cli
