#include "client/cli/fork_request.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "claude/json_writer.h"
#include "client/lib/error_details.h"
#include "yaml-cpp/yaml.h"

namespace anabranch::cli {
namespace {

// The column of the transcript's own continuation.
constexpr char kOriginal[] = "original";
constexpr size_t kNameBytesMax = 64;

// Walks the document and gathers what is wrong with it.
class Reader {
 public:
  Reader(const Variables& variables,
         std::vector<client::FieldViolation>& problems)
      : variables_(variables), problems_(problems) {}

  void ReadDocument(const YAML::Node& root, ForkRequest& request) {
    if (!root.IsMap()) {
      Problem("(document)", "must be a mapping with branches:");
      return;
    }
    CheckKeys(root, "",
              {"conversation", "fork_at_step", "leaf", "branches", "settings"});
    if (auto text = Text(root, "", "conversation"))
      request.conversation = *text;
    if (auto text = Text(root, "", "leaf")) request.leaf = *text;
    request.fork_at_step = Integer(root, "", "fork_at_step");
    ReadBranches(root["branches"], request);
    ReadSettings(root["settings"], request);
  }

 private:
  void ReadBranches(const YAML::Node& list, ForkRequest& request) {
    if (!Present(list)) return;
    if (!list.IsSequence()) {
      Problem("branches", "must be a list");
      return;
    }
    for (size_t i = 0; i < list.size(); ++i) {
      const std::string path = absl::StrCat("branches[", i, "].");
      if (!list[i].IsMap()) {
        Problem(absl::StrCat("branches[", i, "]"), "must be a mapping");
        continue;
      }
      request.branches.push_back(ReadBranch(list[i], path, i));
    }
  }

  ForkBranch ReadBranch(const YAML::Node& node, const std::string& path,
                        size_t index) {
    CheckKeys(node, path,
              {"name", "model", "inject_message", "replace_message",
               "system_prompt", "max_turns", "max_tokens", "timeout_seconds"});
    ForkBranch branch;
    branch.name =
        Text(node, path, "name").value_or(absl::StrCat("branch-", index + 1));
    branch.model = Text(node, path, "model");
    branch.replace_message = Text(node, path, "replace_message");
    branch.system_prompt = Text(node, path, "system_prompt");
    branch.max_turns = Integer(node, path, "max_turns");
    branch.max_tokens = Integer(node, path, "max_tokens");
    branch.timeout_seconds = Integer(node, path, "timeout_seconds");
    branch.messages = Messages(node["inject_message"], path);
    return branch;
  }

  std::vector<std::string> Messages(const YAML::Node& node,
                                    const std::string& path) {
    std::vector<std::string> messages;
    const std::string field = absl::StrCat(path, "inject_message");
    if (!Present(node)) return messages;
    if (node.IsScalar()) return {Expand(node)};
    if (!node.IsSequence()) {
      Problem(field, "must be a text or a list of texts");
      return messages;
    }
    for (size_t i = 0; i < node.size(); ++i) {
      if (node[i].IsScalar()) {
        messages.push_back(Expand(node[i]));
      } else {
        Problem(absl::StrCat(field, "[", i, "]"), "must be a text");
      }
    }
    return messages;
  }

  void ReadSettings(const YAML::Node& node, ForkRequest& request) {
    if (!Present(node)) return;
    const std::string path = "settings.";
    if (!node.IsMap()) {
      Problem("settings", "must be a mapping");
      return;
    }
    CheckKeys(node, path,
              {"max_turns", "timeout_seconds", "save_results", "output_dir"});
    request.max_turns = Integer(node, path, "max_turns");
    request.timeout_seconds = Integer(node, path, "timeout_seconds");
    if (auto text = Text(node, path, "output_dir")) request.output_dir = *text;
    if (auto text = Text(node, path, "save_results")) {
      if (*text != "true" && *text != "false") {
        Problem("settings.save_results", "must be true or false");
      }
      request.save_results = *text == "true";
    }
  }

  static bool Present(const YAML::Node& node) {
    return node.IsDefined() && !node.IsNull();
  }

  std::string Expand(const YAML::Node& node) {
    return ExpandVariables(node.Scalar(), variables_);
  }

  std::optional<std::string> Text(const YAML::Node& map,
                                  const std::string& path, const char* key) {
    const YAML::Node node = map[key];
    if (!Present(node)) return std::nullopt;
    if (!node.IsScalar()) {
      Problem(absl::StrCat(path, key), "must be a text");
      return std::nullopt;
    }
    return Expand(node);
  }

  std::optional<int64_t> Integer(const YAML::Node& map, const std::string& path,
                                 const char* key) {
    const std::optional<std::string> text = Text(map, path, key);
    if (!text.has_value()) return std::nullopt;
    int64_t value = 0;
    if (!absl::SimpleAtoi(*text, &value) || value < 1) {
      Problem(absl::StrCat(path, key),
              absl::StrCat("must be a positive integer, not \"", *text, "\""));
      return std::nullopt;
    }
    return value;
  }

  void CheckKeys(const YAML::Node& map, const std::string& path,
                 const std::vector<std::string>& known) {
    for (const auto& entry : map) {
      const std::string key =
          entry.first.IsScalar() ? entry.first.Scalar() : "(no text)";
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      std::string list;
      for (const std::string& name : known) {
        absl::StrAppend(&list, list.empty() ? "" : ", ", name);
      }
      Problem(absl::StrCat(path, key),
              absl::StrCat("is unknown; known are ", list));
    }
  }

  void Problem(const std::string& field, const std::string& description) {
    problems_.push_back({field, description});
  }

  const Variables& variables_;
  std::vector<client::FieldViolation>& problems_;
};

// Two branches of one name would be refused by the server only after an
// import.
void CheckNames(const ForkRequest& request,
                std::vector<client::FieldViolation>& problems) {
  for (size_t i = 0; i < request.branches.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (request.branches[i].name != request.branches[j].name) continue;
      problems.push_back(
          {absl::StrCat("branches[", i, "].name"),
           absl::StrCat("is the name of branches[", j, "] too: \"",
                        request.branches[i].name, "\"")});
    }
  }
}

void WriteInteger(claude::JsonWriter& json, const char* key,
                  const std::optional<int64_t>& value) {
  if (value.has_value()) json.Key(key).Int(*value);
}

void WriteText(claude::JsonWriter& json, const char* key,
               const std::optional<std::string>& value) {
  if (value.has_value()) json.Key(key).String(*value);
}

void WriteBranch(claude::JsonWriter& json, const ForkBranch& branch) {
  json.BeginObject();
  json.Key("name").String(branch.name);
  WriteText(json, "model", branch.model);
  if (branch.messages.size() == 1) {
    json.Key("inject_message").String(branch.messages[0]);
  } else if (!branch.messages.empty()) {
    json.Key("inject_message").BeginArray();
    for (const std::string& message : branch.messages) json.String(message);
    json.EndArray();
  }
  WriteText(json, "replace_message", branch.replace_message);
  WriteText(json, "system_prompt", branch.system_prompt);
  WriteInteger(json, "max_turns", branch.max_turns);
  WriteInteger(json, "max_tokens", branch.max_tokens);
  WriteInteger(json, "timeout_seconds", branch.timeout_seconds);
  json.EndObject();
}

}  // namespace

std::string ExpandVariables(const std::string& text,
                            const Variables& variables) {
  std::string out;
  size_t at = 0;
  while (true) {
    const size_t begin = text.find("${", at);
    const size_t end =
        begin == std::string::npos ? begin : text.find('}', begin);
    if (end == std::string::npos) return out + text.substr(at);
    out.append(text, at, begin - at);
    const std::string inside = text.substr(begin + 2, end - begin - 2);
    const size_t separator = inside.find(":-");
    const std::optional<std::string> value =
        variables(inside.substr(0, separator).c_str());
    if (value.has_value() &&
        (separator == std::string::npos || !value->empty())) {
      out += *value;
    } else if (separator != std::string::npos) {
      out += inside.substr(separator + 2);
    } else {
      out.append(text, begin, end + 1 - begin);
    }
    at = end + 1;
  }
}

absl::StatusOr<ForkRequest> ParseForkConfig(const std::string& name,
                                            const std::string& yaml,
                                            const Variables& variables) {
  ForkRequest request;
  std::vector<client::FieldViolation> problems;
  try {
    Reader(variables, problems).ReadDocument(YAML::Load(yaml), request);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is no YAML: ", error.what()));
  }
  CheckNames(request, problems);
  if (!problems.empty()) {
    return client::MakeFieldError(absl::StrCat(name, ": ", problems[0].field,
                                               " ", problems[0].description),
                                  "INVALID_CONFIG", problems);
  }
  return request;
}

ForkBranch& AddBranch(ForkRequest& request, const std::string& wish) {
  std::string base;
  for (const char c : wish.substr(0, kNameBytesMax - 4)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       (!base.empty() && (c == '.' || c == '_' || c == '-'));
    base += plain ? c : '-';
  }
  base.erase(0, base.find_first_not_of('-'));
  if (base.empty()) base = "branch";
  const auto taken = [&request](const std::string& name) {
    return name == kOriginal ||
           std::any_of(
               request.branches.begin(), request.branches.end(),
               [&](const ForkBranch& branch) { return branch.name == name; });
  };
  std::string name = base;
  for (int i = 2; taken(name); ++i) name = absl::StrCat(base, "-", i);
  ForkBranch& branch = request.branches.emplace_back();
  branch.name = name;
  return branch;
}

std::string ForkInput(const ForkRequest& request,
                      const std::string& conversation_id) {
  claude::JsonWriter json;
  json.BeginObject();
  json.Key("conversation").String(conversation_id);
  WriteInteger(json, "fork_at_step", request.fork_at_step);
  if (!request.leaf.empty()) json.Key("leaf").String(request.leaf);
  json.Key("branches").BeginArray();
  for (const ForkBranch& branch : request.branches) WriteBranch(json, branch);
  json.EndArray();
  if (request.max_turns.has_value() || request.timeout_seconds.has_value()) {
    json.Key("settings").BeginObject();
    WriteInteger(json, "max_turns", request.max_turns);
    WriteInteger(json, "timeout_seconds", request.timeout_seconds);
    json.EndObject();
  }
  json.EndObject();
  return json.Take();
}

}  // namespace anabranch::cli
