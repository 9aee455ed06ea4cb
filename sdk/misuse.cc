#include "sdk/misuse.h"

#include <stdexcept>

namespace anabranch::sdk {

void ThrowMisuse(const char* what) { throw std::logic_error(what); }

void ThrowEmptyFuture() {
  ThrowMisuse(
      "a Future that stands for nothing was used: it was made by default or "
      "moved from. Use one that FlowContext, a Scope, a coroutine or a "
      "combinator returned");
}

}  // namespace anabranch::sdk
