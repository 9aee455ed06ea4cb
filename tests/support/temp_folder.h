// A folder that is gone afterwards.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace anabranch::support {

class TempFolder {
 public:
  // Below TEST_TMPDIR, else below the system's folder for such things.
  static absl::StatusOr<TempFolder> Create();

  ~TempFolder();
  TempFolder(TempFolder&& other) noexcept
      : path_(std::exchange(other.path_, "")) {}
  TempFolder& operator=(TempFolder&&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  // Leaves the folder where it is.
  void Keep() { path_.clear(); }

 private:
  explicit TempFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace anabranch::support
