// Misuse: what a flow asked for makes no sense, and no result could say so.
// And what else its code throws.
#pragma once

#include <string>

namespace anabranch::sdk {

// Throws into the flow that asked, so that its run is BLOCKED(FLOW_ERROR): a
// build in which that is mended goes on with it. `what` says what to do.
[[noreturn]] void ThrowMisuse(const char* what);

// Of a future that was made by default or moved from.
[[noreturn]] void ThrowEmptyFuture();

// Within a catch block: what the exception says; not empty.
std::string CurrentException();

}  // namespace anabranch::sdk
