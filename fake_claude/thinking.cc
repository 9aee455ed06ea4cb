#include "fake_claude/thinking.h"

#include <string_view>

#include "absl/strings/str_cat.h"

namespace anabranch::fake_claude {
namespace {

constexpr std::string_view kMagic("ab\1", 3);
// Not a secret: it only tells this server's signatures from inventions.
constexpr char kKey[] = "anabranch fake_claude thinking";
constexpr size_t kPrefixBytes = 16;
constexpr size_t kTextBytes = 8;
constexpr size_t kCodeBytes = 16;

std::string Code(std::string_view payload) {
  return Sha256(absl::StrCat(kKey,
                             absl::string_view(payload.data(), payload.size())))
      .substr(0, kCodeBytes);
}

struct Signature {
  std::string model;
  std::string prefix;
  std::string text;
};

bool ParseSignature(const std::string& text, Signature* signature) {
  std::string bytes;
  if (!FromBase64(text, &bytes)) return false;
  const size_t tail = kPrefixBytes + kTextBytes + kCodeBytes;
  if (bytes.size() < kMagic.size() + 1 + tail) return false;
  const size_t payload_size = bytes.size() - kCodeBytes;
  if (!std::string_view(bytes).starts_with(kMagic) ||
      Code(std::string_view(bytes).substr(0, payload_size)) !=
          bytes.substr(payload_size)) {
    return false;
  }
  const size_t model_end = bytes.size() - tail - 1;
  signature->model = bytes.substr(kMagic.size(), model_end - kMagic.size());
  signature->prefix = bytes.substr(model_end + 1, kPrefixBytes);
  signature->text = bytes.substr(model_end + 1 + kPrefixBytes, kTextBytes);
  return true;
}

std::string PrefixPart(const std::string& prefix) {
  return Sha256(prefix).substr(0, kPrefixBytes);
}

std::string TextPart(const std::string& thinking) {
  return Sha256(thinking).substr(0, kTextBytes);
}

ApiError NotMinted(const std::string& place, const std::string& type) {
  return Invalid(
      absl::StrCat(place, ": Invalid `signature` in `", type, "` block"));
}

ApiError BoundElsewhere(const std::string& place, const std::string& type) {
  return Invalid(absl::StrCat(
      place, ": Invalid `signature` in `", type,
      "` block. The block is bound to a different conversation. Remove the "
      "block, or set `thinking.block_binding.prefix_mismatch_behavior` to "
      "\"drop_block\". That setting requires the `",
      kBindingBeta, "` value in the `anthropic-beta` header."));
}

bool DropsMismatches(const Json& body) {
  if (!body.contains("thinking") || !body["thinking"].is_object()) return false;
  const Json& thinking = body["thinking"];
  return thinking.contains("block_binding") &&
         StringOf(thinking["block_binding"], "prefix_mismatch_behavior") ==
             "drop_block";
}

// Reads the request's blocks one after the other.
class Reader {
 public:
  explicit Reader(const ApiRequest& request)
      : model_(*request.model),
        drops_(DropsMismatches(request.body)),
        reading_{std::nullopt, PrefixHash(request.body), Json::array()} {}

  // False after a refusal.
  bool Read(const std::string& role, const Json& block,
            const std::string& place) {
    const std::string type = StringOf(block, "type");
    if (role == "assistant" &&
        (type == "thinking" || type == "redacted_thinking")) {
      return ReadSigned(type, block, place);
    }
    reading_.prefix.Add(role, block);
    return true;
  }

  Reading Take() { return std::move(reading_); }

 private:
  bool ReadSigned(const std::string& type, const Json& block,
                  const std::string& place) {
    Signature signature;
    if (!ParseSignature(
            StringOf(block, type == "thinking" ? "signature" : "data"),
            &signature) ||
        signature.text != TextPart(StringOf(block, "thinking"))) {
      reading_.refusal = NotMinted(place, type);
      return false;
    }
    if (signature.model != model_.id) return true;
    PrefixHash& prefix = reading_.prefix;
    prefix.Turn("assistant");
    if (model_.binds_prefix && signature.prefix != PrefixPart(prefix.Value())) {
      if (!drops_) {
        reading_.refusal = BoundElsewhere(place, type);
        return false;
      }
      reading_.transformations.push_back(
          {{"type", "thinking_dropped"}, {"path", place}});
      return true;
    }
    prefix.Add("assistant", block);
    return true;
  }

  const Model& model_;
  const bool drops_;
  Reading reading_;
};

}  // namespace

std::string MintSignature(const Model& model, const std::string& prefix,
                          const std::string& thinking) {
  std::string payload(kMagic);
  payload += model.id;
  payload += '\0';
  payload += PrefixPart(prefix);
  payload += TextPart(thinking);
  return Base64(payload + Code(payload));
}

Reading ReadThinking(const ApiRequest& request) {
  Reader reader(request);
  const Json& messages = request.body["messages"];
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string role = StringOf(messages[i], "role");
    const Json blocks = BlocksOf(messages[i]["content"]);
    for (size_t j = 0; j < blocks.size(); ++j) {
      const std::string place = absl::StrCat("messages.", i, ".content.", j);
      if (!reader.Read(role, blocks[j], place)) return reader.Take();
    }
  }
  return reader.Take();
}

}  // namespace anabranch::fake_claude
