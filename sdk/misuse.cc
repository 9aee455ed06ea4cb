#include "sdk/misuse.h"

#include <exception>
#include <stdexcept>

namespace anabranch::sdk {

void ThrowMisuse(const char* what) { throw std::logic_error(what); }

void ThrowEmptyFuture() {
  ThrowMisuse(
      "a Future that stands for nothing was used: it was made by default or "
      "moved from. Use one that FlowContext, a Scope, a coroutine or a "
      "combinator returned");
}

std::string CurrentException() {
  try {
    throw;
  } catch (const std::exception& e) {
    const std::string what = e.what();
    return what.empty() ? "unnamed exception" : what;
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace anabranch::sdk
