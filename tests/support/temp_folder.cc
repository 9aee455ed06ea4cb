#include "tests/support/temp_folder.h"

#include <cstdlib>
#include <system_error>

namespace anabranch::support {

absl::StatusOr<TempFolder> TempFolder::Create() {
  const char* test_folder = std::getenv("TEST_TMPDIR");
  std::string path =
      (test_folder == nullptr ? std::filesystem::temp_directory_path().string()
                              : std::string(test_folder)) +
      "/anabranch-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) {
    return absl::InternalError("cannot make a folder like " + path);
  }
  return TempFolder(std::move(path));
}

TempFolder::~TempFolder() {
  if (path_.empty()) return;
  std::error_code ignored;  // a leftover harms nobody
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace anabranch::support
