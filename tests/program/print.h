// Program → text that parses to the same program.
#pragma once

#include <string>

#include "tests/program/ast.h"

namespace anabranch::program {

std::string PrintProgram(const Block& program, int indent = 0);

}  // namespace anabranch::program
