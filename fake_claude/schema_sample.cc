#include "fake_claude/schema_sample.h"

#include <algorithm>
#include <string>

namespace anabranch::fake_claude {
namespace {

// Schemas may refer to themselves.
constexpr int kDepthMax = 8;

Json Sample(const Json& schema, HashStream& hash, int depth);

bool IsWanted(const Json& schema, const std::string& name) {
  const auto required = schema.find("required");
  if (required == schema.end() || !required->is_array() || required->empty()) {
    return true;
  }
  return std::find(required->begin(), required->end(), Json(name)) !=
         required->end();
}

Json SampleObject(const Json& schema, HashStream& hash, int depth) {
  Json object = Json::object();
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object()) return object;
  for (const auto& [name, member] : properties->items()) {
    if (IsWanted(schema, name)) object[name] = Sample(member, hash, depth + 1);
  }
  return object;
}

std::string TypeOf(const Json& schema) {
  const auto type = schema.find("type");
  if (type == schema.end()) {
    return schema.contains("properties") ? "object" : "string";
  }
  if (type->is_array() && !type->empty() && type->front().is_string()) {
    return type->front().get<std::string>();
  }
  return type->is_string() ? type->get<std::string>() : "string";
}

std::string SampleString(HashStream& hash) {
  static constexpr const char* kStrings[] = {"echo \"hello\"", "README.md",
                                             "naïve café",     "first\nsecond",
                                             "C:\\temp",       "ok"};
  return kStrings[hash.Below(std::size(kStrings))];
}

Json Sample(const Json& schema, HashStream& hash, int depth) {
  if (!schema.is_object() || depth > kDepthMax) return Json::object();
  if (schema.contains("const")) return schema["const"];
  const auto values = schema.find("enum");
  if (values != schema.end() && values->is_array() && !values->empty()) {
    return (*values)[hash.Below(values->size())];
  }
  for (const char* key : {"anyOf", "oneOf"}) {
    const auto choices = schema.find(key);
    if (choices != schema.end() && choices->is_array() && !choices->empty()) {
      return Sample(choices->front(), hash, depth + 1);
    }
  }
  const std::string type = TypeOf(schema);
  if (type == "object") return SampleObject(schema, hash, depth);
  if (type == "array") {
    Json array = Json::array();
    const auto items = schema.find("items");
    if (items != schema.end()) array.push_back(Sample(*items, hash, depth + 1));
    return array;
  }
  if (type == "integer") return hash.Below(100);
  if (type == "number") return static_cast<double>(hash.Below(400)) / 4;
  if (type == "boolean") return hash.Below(2) == 1;
  if (type == "null") return nullptr;
  return SampleString(hash);
}

}  // namespace

Json SampleOf(const Json& schema, HashStream& hash) {
  Json sample = Sample(schema, hash, 0);
  return sample;
}

}  // namespace anabranch::fake_claude
