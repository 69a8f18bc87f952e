#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/contents.h"
#include "checkpoint/safetensors_file.h"

namespace switchyard::checkpoint {

inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kConfigFile = "config.toml";
inline constexpr std::string_view kStateFile = "state.json";
/// The files that a manifest lists: exactly these.
inline constexpr std::array<std::string_view, 5> kListedFiles = {kConfigFile, file_of(Part::kModel),
                                                                 file_of(Part::kOptimizer),
                                                                 kStateFile, file_of(Part::kState)};

/// The description of a checkpoint, with the length and checksum of each file.
struct Manifest {
  int64_t step = 0;
  std::string engine_version;
  std::string config_sha256;  // hexadecimal
  std::string data_hash;
  std::string vocabulary_hash;
  std::vector<PluginIdentity> plugins;
  std::map<std::string, FileSum, std::less<>> files;

  /// The total length of the files, without the manifest.
  [[nodiscard]] int64_t bytes() const;
};

/// The text of manifest.json. It ends with the SHA-256 of everything before it, so that no byte can
/// change unnoticed. Throws Error(kInvalidArgument) if a text is not UTF-8.
[[nodiscard]] std::string manifest_text(const Manifest& manifest);

/// Parses manifest.json. Throws Error(kDamaged) if the text is not a whole manifest,
/// Error(kUnsupported) if a newer engine wrote it. `where` names the file in messages.
[[nodiscard]] Manifest parse_manifest(std::string_view text, std::string_view where);

}  // namespace switchyard::checkpoint
