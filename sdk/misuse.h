// Misuse: what a flow asked for makes no sense, and no result could say so.
#pragma once

namespace anabranch::sdk {

// Throws into the flow that asked, so that its run is BLOCKED(FLOW_ERROR): a
// build in which that is mended goes on with it. `what` says what to do.
[[noreturn]] void ThrowMisuse(const char* what);

// Of a future that was made by default or moved from.
[[noreturn]] void ThrowEmptyFuture();

}  // namespace anabranch::sdk
