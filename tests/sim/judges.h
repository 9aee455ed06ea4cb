// Judges: how the runs of programs must end.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "anabranch/v1/run.pb.h"
#include "tests/sim/world.h"

namespace anabranch::sim {

// What is wrong about a run that ended so; empty when nothing is. `result` is
// the content of its result.
using Judge =
    std::function<std::string(const v1::Run& run, const std::string& result)>;

// In which way it ended.
std::string Told(const v1::Run& run, const std::string& result);

Judge Completes(int64_t value);
Judge Ends(v1::RunState state);
// Fails so, or for a reason that the weather may bring.
Judge Fails(std::vector<std::string> types);
Judge Either(Judge one, Judge other);

// Work that ends well, sometimes after failures.
nlohmann::json DrawWork(World& world, int64_t value);

}  // namespace anabranch::sim
