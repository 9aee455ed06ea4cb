#include "orchestrator/filter/filter.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "orchestrator/filter/lexer.h"
#include "orchestrator/filter/parser.h"

namespace anabranch::filter {

absl::StatusOr<Filter> ParseFilter(std::string_view text) {
  if (text.size() > limits::kFilterBytesMax) {
    return InvalidFilter(
        1, absl::StrCat("the filter has ", text.size(), " bytes; the limit is ",
                        limits::kFilterBytesMax));
  }
  ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text));
  if (tokens.size() == 1) {
    return InvalidFilter(1, "the filter is empty; '*' matches every run");
  }
  ASSIGN_OR_RETURN(Node node, Parse(tokens));
  return Filter(std::move(node));
}

}  // namespace anabranch::filter
