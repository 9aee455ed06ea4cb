// Flows that carry out programs.
#pragma once

#include <cstdint>
#include <string>

#include "sdk/flow_registry.h"
#include "tests/program/ast.h"

namespace anabranch::program {

// What programs see beside their run: shows when something that must happen
// once happens again. One for each world; outlives its flows.
struct Environment {
  // What the last side effect returned.
  int64_t draws = 0;
};

// The flow `program`: its input is a program's text (a text payload, or a JSON
// string). A text that does not parse fails the run with `bad_program`.
void RegisterInterpreter(sdk::FlowRegistry& flows, Environment& environment);

// A flow that carries out `program` whatever its input is.
void RegisterProgram(sdk::FlowRegistry& flows, const std::string& name,
                     Block program, Environment& environment);

}  // namespace anabranch::program
