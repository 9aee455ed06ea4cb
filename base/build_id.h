// Which build of the product this is.
#pragma once

#include <string>

namespace anabranch {

inline constexpr char kProductVersion[] = "0.1.0";

// "0.1.0+<first 16 hex digits of the executable's build id>": two builds that
// differ in code differ here. The environment's ANABRANCH_BUILD_ID takes its
// place, for tests. Looked up once. Threads: any.
const std::string& BuildId();

}  // namespace anabranch
