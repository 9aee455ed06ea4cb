#include "base/logging.h"

#include <spdlog/formatter.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace anabranch {
namespace {

// Continuation bytes that must follow `lead`, or -1 when it starts nothing.
int ContinuationBytes(unsigned char lead) {
  if (lead < 0x80) return 0;
  if (lead >= 0xC2 && lead <= 0xDF) return 1;
  if (lead >= 0xE0 && lead <= 0xEF) return 2;
  if (lead >= 0xF0 && lead <= 0xF4) return 3;
  return -1;
}

// Size of the valid UTF-8 character at `text`'s front, 0 when there is none.
size_t CharacterSize(std::string_view text) {
  const int more = ContinuationBytes(static_cast<unsigned char>(text[0]));
  if (more < 0 || text.size() < static_cast<size_t>(more) + 1) return 0;
  uint32_t code = static_cast<unsigned char>(text[0]);
  if (more > 0) code &= 0x3Fu >> more;
  for (int i = 1; i <= more; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return 0;
    code = (code << 6) | (byte & 0x3F);
  }
  if (more == 2 && (code < 0x800 || (code >= 0xD800 && code < 0xE000))) {
    return 0;
  }
  if (more == 3 && (code < 0x10000 || code > 0x10FFFF)) return 0;
  return static_cast<size_t>(more) + 1;
}

class JsonFormatter : public spdlog::formatter {
 public:
  explicit JsonFormatter(std::string program) : program_(std::move(program)) {}

  void format(const spdlog::details::log_msg& msg,
              spdlog::memory_buf_t& dest) override {
    const std::string line = absl::StrCat(
        R"({"time":")",
        absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromChrono(msg.time),
                         absl::UTCTimeZone()),
        R"(","level":")",
        logging_internal::EscapeJson(View(spdlog::level::to_string_view(  //
            msg.level))),
        R"(","program":")", logging_internal::EscapeJson(program_),
        R"(","pid":)", getpid(), R"(,"message":")",
        logging_internal::EscapeJson(View(msg.payload)), "\"}\n");
    dest.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>(program_);
  }

 private:
  static std::string_view View(spdlog::string_view_t text) {
    return {text.data(), text.size()};
  }

  std::string program_;
};

}  // namespace

namespace logging_internal {

std::string EscapeJson(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t size = CharacterSize(text);
    const char c = text[0];
    if (size == 0) {
      out += "\xEF\xBF\xBD";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
    } else {
      out.append(text.data(), size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

}  // namespace logging_internal

absl::Status InitLogging(std::string_view level, std::string_view format,
                         std::string_view program_name) {
  const std::string name(level);
  const spdlog::level::level_enum parsed = spdlog::level::from_str(name);
  if (parsed == spdlog::level::off && name != "off") {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown log level \"", name,
                     "\": use trace, debug, info, warn, error or off"));
  }
  if (format != "text" && format != "json") {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown log format \"",
                     absl::string_view(format.data(), format.size()),
                     "\": use text or json"));
  }
  const std::string program(program_name);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>(program, std::move(sink));
  if (format == "json") {
    logger->set_formatter(std::make_unique<JsonFormatter>(program));
  } else {
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %L %n[%P] %v");
  }
  logger->set_level(parsed);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

void FlushLogging() { spdlog::default_logger()->flush(); }

}  // namespace anabranch
