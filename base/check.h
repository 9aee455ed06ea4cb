// CHECK: programmer errors end the process, in production too.
#pragma once

#include <string_view>

namespace anabranch {

// Prints the message with its place to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line,
                              std::string_view what);

}  // namespace anabranch

#define AB_CHECK(condition)                                     \
  do {                                                          \
    if (!(condition)) [[unlikely]]                              \
      ::anabranch::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

// The same with a sentence of its own.
#define AB_CHECK_MSG(condition, message)                       \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::anabranch::CheckFailed(__FILE__, __LINE__, (message)); \
  } while (false)
