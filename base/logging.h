// Logs go to stderr; data goes to stdout. Users of the log include
// <spdlog/spdlog.h> and call spdlog::info() and its fellows.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace anabranch {

// Sets up the process's log; to be called once, at the start of main().
//
// `level`: trace, debug, info, warn, error or off. `format`: "text", one
// readable line, or "json", one JSON object a line with the members "time"
// (RFC 3339, UTC), "level", "program", "pid" and "message". InvalidArgument
// names what is allowed.
absl::Status InitLogging(std::string_view level, std::string_view format,
                         std::string_view program_name);

// Writes what is buffered: the last line before the process ends.
void FlushLogging();

namespace logging_internal {

// `text` as the inside of a JSON string. Bytes that are no UTF-8 become U+FFFD.
std::string EscapeJson(std::string_view text);

}  // namespace logging_internal
}  // namespace anabranch
