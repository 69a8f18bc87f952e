#include "checkpoint/checkpoint_store.h"

#include <algorithm>
#include <cerrno>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <random>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file_io.h"
#include "process/checkpoint_name.h"

namespace switchyard::checkpoint {

namespace {

using core::Error;
using core::ErrorCode;
using core::RenameMode;
using process::checkpoint_name;
using process::step_of_checkpoint;
using std::filesystem::path;

// Names that begin with a dot are never taken for checkpoints.
constexpr std::string_view kTemporary =
    ".tmp-";  // being written, or the old checkpoint after an exchange
constexpr std::string_view kAside =
    ".aside-";  // the old checkpoint, while the new one takes its name
constexpr std::string_view kTrash = ".trash-";  // being removed
constexpr std::string_view kCorrupt = "corrupt-";
constexpr int64_t kMaxManifestBytes = int64_t{4} << 20;

// A name that no other process or earlier attempt has used.
std::string unique_name(std::string_view prefix, int64_t step) {
  std::random_device random;
  return fmt::format("{}{}-{}{}", prefix, checkpoint_name(step), checksum::hex(random()),
                     checksum::hex(random()));
}

void write_text(core::FileSystem& files, const path& directory, std::string_view name,
                std::string_view text, Manifest& manifest) {
  core::OutputFile file(files, directory / name);
  file.write(text);
  file.sync_and_close();
  manifest.files[std::string(name)] = {.bytes = file.bytes(), .crc32c = file.crc32c()};
}

}  // namespace

// A directory that save() has begun; removed unless it is published.
class CheckpointStore::TemporaryDirectory {
 public:
  TemporaryDirectory(core::FileSystem& files, path directory)
      : files_(files), path_(std::move(directory)) {
    const int64_t made = files_.make_directory(path_);
    if (made < 0) {
      core::fail_io(files_, path_, "make the directory", made);
    }
  }
  ~TemporaryDirectory() {
    if (!is_owner_) {
      return;
    }
    try {
      core::remove_tree(files_, path_);
    } catch (...) {  // NOLINT(bugprone-empty-catch): sweep() cleans up what is left
    }
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const path& where() const { return path_; }
  void release() { is_owner_ = false; }

 private:
  core::FileSystem& files_;
  path path_;
  bool is_owner_ = true;
};

CheckpointStore::CheckpointStore(path checkpoints_directory, core::FileSystem& files,
                                 SpaceReserve reserve)
    : directory_(std::move(checkpoints_directory)), files_(files), reserve_(reserve) {
  // "run/checkpoints/" names the same directory as "run/checkpoints".
  if (!directory_.has_filename()) {
    directory_ = directory_.parent_path();
  }
}

path CheckpointStore::path_of(int64_t step) const {
  return directory_ / checkpoint_name(step);
}

std::string CheckpointStore::shown_name(int64_t step) const {
  return (directory_.filename() / checkpoint_name(step)).string();
}

std::vector<int64_t> CheckpointStore::steps() const {
  std::vector<int64_t> found;
  for (const core::DirectoryEntry& entry : core::list_directory(files_, directory_)) {
    const std::optional<int64_t> step = step_of_checkpoint(entry.name);
    if (entry.is_directory && step) {
      found.push_back(*step);
    }
  }
  std::ranges::sort(found, std::greater<>());
  return found;
}

void CheckpointStore::check_space(const CheckpointContents& contents) const {
  const int64_t bytes = safetensors_bytes(contents.model) + safetensors_bytes(contents.optimizer) +
                        safetensors_bytes(contents.state) +
                        static_cast<int64_t>(contents.config_toml.size()) +
                        static_cast<int64_t>(contents.state_json.size());
  const int64_t needed =
      static_cast<int64_t>(static_cast<double>(bytes) * reserve_.factor) + reserve_.bytes;
  const int64_t free = core::free_bytes(files_, directory_);
  if (free < needed) {
    core::fail(ErrorCode::kIo,
               "the checkpoint of step {} needs {} bytes (with reserve) in '{}', {} are free; free "
               "some space or keep fewer checkpoints",
               contents.step, needed, directory_.string(), free);
  }
}

std::string CheckpointStore::write_files(const path& directory, const CheckpointContents& contents,
                                         const ToHost& to_host) const {
  Manifest manifest{.step = contents.step,
                    .engine_version = contents.engine_version,
                    .config_sha256 = checksum::hex(checksum::sha256(contents.config_toml)),
                    .data_hash = contents.data_hash,
                    .vocabulary_hash = contents.vocabulary_hash,
                    .plugins = contents.plugins,
                    .files = {}};
  const std::array<std::pair<Part, const std::vector<NamedTensor>*>, 3> parts = {
      {{Part::kModel, &contents.model},
       {Part::kOptimizer, &contents.optimizer},
       {Part::kState, &contents.state}}};
  for (const auto& [part, tensors] : parts) {
    const std::string name(file_of(part));
    manifest.files[name] = write_safetensors(files_, directory / name, *tensors, to_host);
  }
  write_text(files_, directory, kConfigFile, contents.config_toml, manifest);
  write_text(files_, directory, kStateFile, contents.state_json, manifest);
  std::string text = manifest_text(manifest);
  Manifest unlisted;
  write_text(files_, directory, kManifestFile, text, unlisted);
  core::sync_directory(files_, directory);
  return text;
}

SavedCheckpoint CheckpointStore::save(const CheckpointContents& contents, const ToHost& to_host) {
  core::require(contents.step >= 0, "CheckpointStore: step must be 0 or more, got {}",
                contents.step);
  core::require(nlohmann::json::accept(contents.state_json),
                "CheckpointStore: state_json must be JSON, it is not");
  core::make_directories(files_, directory_);
  // It may exist since an attempt that failed before its name was durable.
  core::sync_directory(files_, directory_ / "..");
  check_space(contents);
  const path temporary_path = directory_ / unique_name(kTemporary, contents.step);
  TemporaryDirectory temporary(files_, temporary_path);
  const std::string text = write_files(temporary.where(), contents, to_host);
  publish(temporary, contents.step, text);

  const checksum::Sha256Digest digest = checksum::sha256(text);
  return {.step = contents.step,
          .directory = shown_name(contents.step),
          .bytes = parse_manifest(text, "manifest").bytes() + static_cast<int64_t>(text.size()),
          .manifest_sha256 = {digest.begin(), digest.end()}};
}

void CheckpointStore::publish(TemporaryDirectory& temporary, int64_t step,
                              const std::string& manifest) {
  const path final_path = path_of(step);
  if (core::rename_path(files_, temporary.where(), final_path, RenameMode::kNoReplace)) {
    temporary.release();
    core::sync_directory(files_, directory_);
    return;
  }
  // Equal manifests mean equal bytes, provided that the files still match their manifest.
  const bool is_same =
      verify(final_path).empty() &&
      core::read_file(files_, final_path / kManifestFile, kMaxManifestBytes) == manifest;
  if (is_same) {
    core::sync_directory(files_, directory_);
    return;
  }
  replace(temporary, step);
}

void CheckpointStore::replace(TemporaryDirectory& temporary, int64_t step) {
  const path final_path = path_of(step);
  const int64_t exchanged = files_.rename(temporary.where(), final_path, RenameMode::kExchange);
  if (exchanged >= 0) {
    // The temporary name now holds the old checkpoint, which must stay until the exchange is
    // durable.
    temporary.release();
    core::sync_directory(files_, directory_);
    discard(temporary.where());
    return;
  }
  if (exchanged != -EINVAL && exchanged != -ENOSYS) {
    core::fail_io(files_, final_path, "replace", exchanged);
  }
  // This file system has no exchange. sweep() restores the old checkpoint if we are killed in
  // between.
  const path aside = directory_ / unique_name(kAside, step);
  core::durable_rename(files_, final_path, aside, RenameMode::kNoReplace);
  const int64_t renamed = files_.rename(temporary.where(), final_path, RenameMode::kNoReplace);
  if (renamed < 0) {
    core::durable_rename(files_, aside, final_path, RenameMode::kNoReplace);
    core::fail_io(files_, temporary.where(), "publish", renamed);
  }
  temporary.release();
  core::sync_directory(files_, directory_);
  discard(aside);
}

// Removes the name first and durably, so that nobody ever sees half a checkpoint under it.
void CheckpointStore::discard(const path& directory) {
  const std::string name = directory.filename().string();
  path trash = directory;
  if (!name.starts_with('.')) {
    const std::optional<int64_t> step = step_of_checkpoint(name);
    trash = directory_ / unique_name(kTrash, step.value_or(0));
    core::durable_rename(files_, directory, trash, RenameMode::kNoReplace);
  }
  core::remove_tree(files_, trash);
}

std::vector<CheckpointInfo> CheckpointStore::list() const {
  std::vector<CheckpointInfo> found;
  for (const int64_t step : steps()) {
    const path directory = path_of(step);
    try {
      const std::string text =
          core::read_file(files_, directory / kManifestFile, kMaxManifestBytes);
      const Manifest manifest = parse_manifest(text, fmt::format("'{}'", directory.string()));
      const bool is_whole = std::ranges::all_of(manifest.files, [&](const auto& file) {
        return core::InputFile(files_, directory / file.first).size() == file.second.bytes;
      });
      if (is_whole && manifest.step == step) {
        found.push_back({.step = step,
                         .directory = directory,
                         .bytes = manifest.bytes() + static_cast<int64_t>(text.size())});
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kDamaged && error.code() != ErrorCode::kNotFound &&
          error.code() != ErrorCode::kUnsupported) {
        throw;
      }
    }
  }
  return found;
}

CheckpointContents CheckpointStore::load(const path& directory) const {
  return CheckpointReader(files_, directory).read_all();
}

std::vector<Finding> CheckpointStore::verify(const path& directory) const {
  return verify_checkpoint(files_, directory);
}

std::string CheckpointStore::set_aside_damaged(int64_t step) {
  const std::string name = std::string(kCorrupt) + checkpoint_name(step);
  try {
    for (int attempt = 1; attempt < 1000; ++attempt) {
      const std::string moved = attempt == 1 ? name : fmt::format("{}.{}", name, attempt);
      if (core::rename_path(files_, path_of(step), directory_ / moved, RenameMode::kNoReplace)) {
        core::sync_directory(files_, directory_);
        return moved;
      }
    }
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): nothing is lost
    // On a read-only disk the checkpoint stays where it is and is found damaged again next time.
  }
  return "";
}

std::unique_ptr<CheckpointReader> CheckpointStore::open_newest(const OnDamaged& on_damaged) {
  std::string messages;
  for (const int64_t step : steps()) {
    try {
      auto reader = std::make_unique<CheckpointReader>(files_, path_of(step));
      if (reader->step() != step) {
        core::fail(ErrorCode::kDamaged, "'{}' holds step {}", path_of(step).string(),
                   reader->step());
      }
      return reader;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kDamaged) {
        throw;
      }
      messages += fmt::format("\n{}", error.what());
      DamagedCheckpoint damaged{
          .step = step, .name = checkpoint_name(step), .moved_to = "", .message = error.what()};
      damaged.moved_to = set_aside_damaged(step);
      if (on_damaged) {
        on_damaged(damaged);
      }
    }
  }
  if (!messages.empty()) {
    core::fail(ErrorCode::kDamaged,
               "no checkpoint in '{}' is whole; restore one from a copy or start anew:{}",
               directory_.string(), messages);
  }
  return nullptr;
}

std::vector<std::string> CheckpointStore::sweep() {
  std::vector<std::string> swept;
  const std::vector<core::DirectoryEntry> entries = core::list_directory(files_, directory_);
  if (!entries.empty()) {
    // A rename by a killed process must be durable before its replacement is removed.
    core::sync_directory(files_, directory_);
  }
  for (const core::DirectoryEntry& entry : entries) {
    const std::string_view name = entry.name;
    if (name.starts_with(kAside)) {
      const std::string_view rest = name.substr(kAside.size());
      const std::optional<int64_t> step = step_of_checkpoint(rest.substr(0, rest.rfind('-')));
      if (step &&
          core::rename_path(files_, directory_ / name, path_of(*step), RenameMode::kNoReplace)) {
        core::sync_directory(files_, directory_);
      } else {
        core::remove_tree(files_, directory_ / name);
      }
      swept.push_back(entry.name);
    } else if (name.starts_with(kTemporary) || name.starts_with(kTrash)) {
      core::remove_tree(files_, directory_ / name);
      swept.push_back(entry.name);
    }
  }
  return swept;
}

std::vector<std::string> CheckpointStore::retain(const Retention& retention) {
  core::require(retention.keep_last >= 1, "Retention: keep_last must be 1 or more, got {}",
                retention.keep_last);
  std::vector<std::string> removed;
  int64_t newer = 0;
  for (const CheckpointInfo& info : list()) {
    const bool is_kept = newer < retention.keep_last || info.step == retention.best_step ||
                         (info.step == retention.resumed_step && newer < 2);
    ++newer;
    if (!is_kept) {
      discard(info.directory);
      removed.push_back(shown_name(info.step));
    }
  }
  return removed;
}

}  // namespace switchyard::checkpoint
