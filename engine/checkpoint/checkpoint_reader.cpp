#include "checkpoint/checkpoint_reader.h"

#include <algorithm>
#include <checksum/crc32c.h>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <utility>

#include "checkpoint/match.h"
#include "core/error.h"
#include "core/file_io.h"

namespace switchyard::checkpoint {

namespace {

using core::Error;
using core::ErrorCode;

constexpr int64_t kMaxManifestBytes = int64_t{4} << 20;
constexpr int64_t kPiece = int64_t{1} << 20;
constexpr std::array<Part, 3> kParts = {Part::kModel, Part::kOptimizer, Part::kState};

// Calls `body` and records damage; other errors go on to the caller.
template <typename Body>
void note_damage(std::vector<Finding>& findings, std::string_view file, const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDamaged && error.code() != ErrorCode::kNotFound) {
      throw;
    }
    findings.push_back({.file = std::string(file), .problem = error.what()});
  }
}

void check_sum(core::FileSystem& files, const std::filesystem::path& path,
               const FileSum& expected) {
  const core::InputFile file(files, path);
  if (file.size() != expected.bytes) {
    core::fail(ErrorCode::kDamaged, "'{}' has {} bytes, the manifest says {}", path.string(),
               file.size(), expected.bytes);
  }
  std::vector<char> piece(static_cast<size_t>(std::min(kPiece, file.size())));
  checksum::Crc32c crc;
  for (int64_t at = 0; at < file.size(); at += kPiece) {
    const int64_t bytes = std::min(kPiece, file.size() - at);
    file.read_at(piece.data(), bytes, at);
    crc.update(piece.data(), static_cast<size_t>(bytes));
  }
  if (crc.value() != expected.crc32c) {
    core::fail(ErrorCode::kDamaged, "'{}' has crc32c {}, the manifest says {}", path.string(),
               checksum::hex(crc.value()), checksum::hex(expected.crc32c));
  }
}

struct ManifestFile {
  std::string text;
  Manifest manifest;
};

ManifestFile read_manifest(core::FileSystem& files, const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / kManifestFile;
  ManifestFile out;
  out.text = core::read_file(files, path, kMaxManifestBytes);
  out.manifest = parse_manifest(out.text, fmt::format("'{}'", path.string()));
  return out;
}

// Empty if the manifest is among the findings.
std::optional<ManifestFile> examine(core::FileSystem& files, const std::filesystem::path& directory,
                                    std::vector<Finding>& findings) {
  std::optional<ManifestFile> manifest;
  note_damage(findings, kManifestFile, [&] { manifest = read_manifest(files, directory); });
  if (manifest) {
    for (const auto& [name, sum] : manifest->manifest.files) {
      note_damage(findings, name, [&] { check_sum(files, directory / name, sum); });
    }
  }
  return manifest;
}

[[noreturn]] void fail_damaged(const std::filesystem::path& directory,
                               const std::vector<Finding>& findings) {
  std::string message = fmt::format("checkpoint '{}' is damaged:", directory.string());
  for (const Finding& finding : findings) {
    message += fmt::format("\n  {}: {}", finding.file, finding.problem);
  }
  throw Error(ErrorCode::kDamaged, message);
}

}  // namespace

std::vector<Finding> verify_checkpoint(core::FileSystem& files,
                                       const std::filesystem::path& directory) {
  std::vector<Finding> findings;
  (void)examine(files, directory, findings);
  if (findings.empty()) {
    for (const Part part : kParts) {
      note_damage(findings, file_of(part),
                  [&] { const SafetensorsFile header(files, directory / file_of(part)); });
    }
  }
  return findings;
}

CheckpointReader::CheckpointReader(core::FileSystem& files, std::filesystem::path directory)
    : directory_(std::move(directory)) {
  std::vector<Finding> findings;
  std::optional<ManifestFile> manifest = examine(files, directory_, findings);
  if (!findings.empty()) {
    fail_damaged(directory_, findings);
  }
  manifest_ = std::move(manifest->manifest);
  manifest_sha256_ = checksum::sha256(manifest->text);
  const auto read_text = [&](std::string_view name) {
    return core::read_file(files, directory_ / name, manifest_.files.find(name)->second.bytes);
  };
  config_toml_ = read_text(kConfigFile);
  state_json_ = read_text(kStateFile);
  for (const Part part : kParts) {
    tensors_[static_cast<size_t>(part)] =
        std::make_unique<SafetensorsFile>(files, directory_ / file_of(part));
  }
}

void CheckpointReader::read_into(Part part, std::span<const NamedTensor> into) const {
  const SafetensorsFile& tensors = file(part);
  check_matching(tensors.entries(), into,
                 fmt::format("{} of '{}'", file_of(part), directory_.string()));
  for (const NamedTensor& named : into) {
    tensor::Tensor target = named.tensor;
    tensors.read(*tensors.find(named.name), target);
  }
}

std::vector<NamedTensor> CheckpointReader::read_part(Part part) const {
  const SafetensorsFile& tensors = file(part);
  tensor::CpuAllocator allocator;
  std::vector<NamedTensor> out;
  out.reserve(tensors.entries().size());
  for (const TensorEntry& entry : tensors.entries()) {
    tensor::Tensor read = tensor::Tensor::empty(entry.dtype, entry.shape, allocator);
    tensors.read(entry, read);
    out.push_back({.name = entry.name, .tensor = std::move(read)});
  }
  return out;
}

CheckpointContents CheckpointReader::read_all() const {
  return {.step = manifest_.step,
          .config_toml = config_toml_,
          .state_json = state_json_,
          .model = read_part(Part::kModel),
          .optimizer = read_part(Part::kOptimizer),
          .state = read_part(Part::kState),
          .plugins = manifest_.plugins,
          .data_hash = manifest_.data_hash,
          .vocabulary_hash = manifest_.vocabulary_hash,
          .engine_version = manifest_.engine_version};
}

}  // namespace switchyard::checkpoint
