#include "base/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace anabranch {
namespace {

constexpr size_t kIdBytes = 8;

size_t Aligned(size_t size) { return (size + 3) & ~size_t{3}; }

std::string ToHex(const unsigned char* bytes, size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (size_t i = 0; i < size; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex;
}

// The id among the notes of one segment; empty when there is none.
std::string FindBuildId(const unsigned char* notes, size_t size) {
  size_t at = 0;
  while (at + sizeof(ElfW(Nhdr)) <= size) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes + at, sizeof(note));
    size_t name = at + sizeof(note);
    size_t content = name + Aligned(note.n_namesz);
    at = content + Aligned(note.n_descsz);
    if (at > size) return "";
    bool gnu = note.n_namesz == 4 && std::memcmp(notes + name, "GNU", 4) == 0;
    if (gnu && note.n_type == NT_GNU_BUILD_ID && note.n_descsz >= kIdBytes) {
      return ToHex(notes + content, kIdBytes);
    }
  }
  return "";
}

// The program itself is visited first: a result of 1 ends the walk there.
int VisitProgram(dl_phdr_info* info, size_t, void* out) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    // The loader tells addresses as integers.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    const auto* notes = reinterpret_cast<const unsigned char*>(info->dlpi_addr +
                                                               segment.p_vaddr);
    std::string id = FindBuildId(notes, segment.p_memsz);
    if (id.empty()) continue;
    *static_cast<std::string*>(out) = id;
    break;
  }
  return 1;
}

std::string MakeBuildId() {
  const char* chosen = std::getenv("ANABRANCH_BUILD_ID");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  std::string id;
  dl_iterate_phdr(&VisitProgram, &id);
  return std::string(kProductVersion) + "+" + (id.empty() ? "unknown" : id);
}

}  // namespace

const std::string& BuildId() {
  static const std::string* const id = new std::string(MakeBuildId());
  return *id;
}

}  // namespace anabranch
