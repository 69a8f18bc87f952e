#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint_reader.h"
#include "checkpoint/contents.h"
#include "core/file_system.h"

namespace switchyard::checkpoint {

/// What save() has published.
struct SavedCheckpoint {
  int64_t step = 0;
  std::string directory;  // relative to the run directory: "checkpoints/step-200"
  int64_t bytes = 0;      // of all files
  std::vector<uint8_t> manifest_sha256;
};

/// A checkpoint that lies in a store.
struct CheckpointInfo {
  int64_t step = 0;
  std::filesystem::path directory;
  int64_t bytes = 0;
};

/// A checkpoint that could not be used.
struct DamagedCheckpoint {
  int64_t step = 0;
  std::string name;      // "step-200"
  std::string moved_to;  // "corrupt-step-200"; empty if it could not be renamed
  std::string message;   // which files, and what is wrong with them
};
using OnDamaged = std::function<void(const DamagedCheckpoint&)>;

/// A checkpoint, read.
struct LoadedCheckpoint {
  std::filesystem::path directory;
  CheckpointContents contents;
};

/// Which checkpoints stay.
struct Retention {
  int64_t keep_last = 3;                // at least 1
  std::optional<int64_t> best_step;     // stays, however old
  std::optional<int64_t> resumed_step;  // stays until two newer ones are there
};

/// How much room a save asks for beyond the bytes it will write.
struct SpaceReserve {
  double factor = 1.1;
  int64_t bytes = int64_t{16} << 20;
};

/// The checkpoints of one run: directories "step-N" in one directory, each published by a single
/// rename, so that at every moment each of them is whole or not there. Whoever writes holds the
/// run's core::DirectoryLock; readers need none. Layout: FORMAT.md. Threads: [inst].
class CheckpointStore {
 public:
  /// Touches nothing; save() makes the directory.
  CheckpointStore(std::filesystem::path checkpoints_directory, core::FileSystem& files,
                  SpaceReserve reserve = {});

  /// Writes a checkpoint and publishes it, in place of one of the same step if there is one. When
  /// it returns, the checkpoint outlives a power loss; when it throws, the older ones are as they
  /// were, and this one may only be there whole. A later call starts anew. Throws Error(kIo) if the
  /// disk is too small, full or broken, Error(kInvalidArgument) for names that come twice, texts
  /// that are not UTF-8 or a state that is not JSON.
  SavedCheckpoint save(const CheckpointContents& contents, const ToHost& to_host = {});

  /// Those whose manifest is whole and whose files have the right lengths, newest first.
  [[nodiscard]] std::vector<CheckpointInfo> list() const;

  /// A checkpoint with every byte checked; a relative path is taken as it is. Throws
  /// Error(kDamaged) with each file that is wrong.
  [[nodiscard]] CheckpointContents load(const std::filesystem::path& directory) const;

  /// The newest checkpoint that is whole; those found damaged on the way are reported and renamed
  /// to "corrupt-step-N". Nothing if there is no checkpoint at all. Throws Error(kDamaged) if there
  /// are some and none is whole.
  [[nodiscard]] std::unique_ptr<CheckpointReader> open_newest(const OnDamaged& on_damaged = {});
  /// The same, read into memory.
  [[nodiscard]] std::optional<LoadedCheckpoint> load_newest(const OnDamaged& on_damaged = {});

  /// Clears what a killed process left behind; call it once before the first save. Returns the
  /// names of what it removed or put back.
  std::vector<std::string> sweep();

  /// Removes all checkpoints but those to keep, and returns the removed ones, relative to the run
  /// directory. Damaged ones neither count nor go.
  std::vector<std::string> retain(const Retention& retention);

  /// What is wrong with one checkpoint; empty if nothing is.
  [[nodiscard]] std::vector<Finding> verify(const std::filesystem::path& directory) const;

 private:
  class TemporaryDirectory;

  [[nodiscard]] std::vector<int64_t> steps() const;
  [[nodiscard]] std::string shown_name(int64_t step) const;
  [[nodiscard]] std::filesystem::path path_of(int64_t step) const;
  void check_space(const CheckpointContents& contents) const;
  [[nodiscard]] std::string write_files(const std::filesystem::path& directory,
                                        const CheckpointContents& contents,
                                        const ToHost& to_host) const;
  void publish(TemporaryDirectory& temporary, int64_t step, const std::string& manifest);
  void replace(TemporaryDirectory& temporary, int64_t step);
  void discard(const std::filesystem::path& directory);
  [[nodiscard]] std::string set_aside_damaged(int64_t step);

  std::filesystem::path directory_;
  core::FileSystem& files_;
  SpaceReserve reserve_;
};

}  // namespace switchyard::checkpoint
