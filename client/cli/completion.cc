#include "client/cli/completion.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "CLI/Option.hpp"

namespace anabranch::cli {
namespace {

bool IsOption(std::string_view word) { return word.substr(0, 1) == "-"; }

// The option of that name takes the word after it.
bool TakesValue(const CLI::App& command, const std::string& word) {
  if (!IsOption(word) || word.find('=') != std::string::npos) return false;
  const CLI::Option* option = command.get_option_no_throw(word);
  return option != nullptr && option->get_items_expected_min() > 0;
}

// Null when there is no command of that name below.
const CLI::App* FindBelow(const CLI::App& command, const std::string& name) {
  const auto found = command.get_subcommands(
      [&name](const CLI::App* below) { return below->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

// The one that the words before the cursor have chosen.
const CLI::App* ChosenCommand(const CLI::App& app,
                              const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (TakesValue(*command, words[i])) {
      ++i;
    } else if (const CLI::App* below = FindBelow(*command, words[i])) {
      command = below;
    }
  }
  return command;
}

}  // namespace

std::vector<std::string> Complete(const CLI::App& app,
                                  const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const std::string& prefix = words.back();
  const CLI::App* command = ChosenCommand(app, words);
  if (words.size() > 1 && TakesValue(*command, words[words.size() - 2])) {
    return {};
  }
  std::vector<std::string> found;
  const auto offer = [&](std::string name) {
    if (name.starts_with(prefix)) found.push_back(std::move(name));
  };
  if (IsOption(prefix)) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) offer("--" + name);
    }
  } else {
    for (const CLI::App* below :
         command->get_subcommands([](const CLI::App*) { return true; })) {
      if (!below->get_group().empty()) offer(below->get_name());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace anabranch::cli
