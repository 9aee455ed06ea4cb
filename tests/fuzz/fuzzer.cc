// One libFuzzer program for all targets: its first argument names the one.
//
//   fuzzer list          the targets' names
//   fuzzer NAME FLAG… FOLDER…
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/fuzz/target.h"

namespace {

// libFuzzer gives its callback no state of ours.
anabranch::fuzz::Target chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const auto& targets = anabranch::fuzz::Targets();
  auto found = *argc < 2 ? targets.end() : targets.find((*argv)[1]);
  if (found == targets.end()) {
    for (const auto& [name, target] : targets) std::cout << name << "\n";
    std::exit(*argc == 2 && std::string_view((*argv)[1]) == "list" ? 0 : 2);
  }
  chosen = found->second;
  // The rest is libFuzzer's.
  for (int i = 1; i + 1 < *argc; ++i) (*argv)[i] = (*argv)[i + 1];
  --*argc;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chosen({reinterpret_cast<const char*>(data), size});
  return 0;
}
