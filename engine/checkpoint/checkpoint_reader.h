#pragma once

#include <array>
#include <checksum/sha256.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/manifest.h"
#include "checkpoint/safetensors_file.h"

namespace switchyard::checkpoint {

/// Something that is wrong with a checkpoint.
struct Finding {
  std::string file;     // "model.safetensors"
  std::string problem;  // "crc32c is 1234abcd, the manifest says 4321dcba"
};

/// Reads a whole checkpoint and returns what is wrong with it; empty if it is whole. Throws
/// Error(kIo) only for failures other than damage, such as missing permissions, and
/// Error(kUnsupported) for a checkpoint of a newer engine.
[[nodiscard]] std::vector<Finding> verify_checkpoint(core::FileSystem& files,
                                                     const std::filesystem::path& directory);

/// A checkpoint whose every byte has been checked. Tensors are read on demand and straight into
/// place, so that a model is never held twice. Threads: [any].
class CheckpointReader {
 public:
  /// Throws Error(kDamaged) that names each damaged file, and otherwise as verify_checkpoint()
  /// does.
  CheckpointReader(core::FileSystem& files, std::filesystem::path directory);

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  [[nodiscard]] int64_t step() const { return manifest_.step; }
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const checksum::Sha256Digest& manifest_sha256() const { return manifest_sha256_; }
  [[nodiscard]] const std::string& config_toml() const { return config_toml_; }
  [[nodiscard]] const std::string& state_json() const { return state_json_; }
  [[nodiscard]] const SafetensorsFile& file(Part part) const {
    return *tensors_[static_cast<size_t>(part)];
  }

  /// Reads all tensors of a part into existing tensors of the same names, contiguous and on the
  /// CPU. Reads nothing unless everything matches. Throws as check_matching() does.
  void read_into(Part part, std::span<const NamedTensor> into) const;
  /// Reads everything into new memory.
  [[nodiscard]] CheckpointContents read_all() const;

 private:
  [[nodiscard]] std::vector<NamedTensor> read_part(Part part) const;

  std::filesystem::path directory_;
  Manifest manifest_;
  checksum::Sha256Digest manifest_sha256_{};
  std::string config_toml_;
  std::string state_json_;
  std::array<std::unique_ptr<SafetensorsFile>, 3> tensors_;  // by Part
};

}  // namespace switchyard::checkpoint
