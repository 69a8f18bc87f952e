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

/// A checkpoint that save() has published.
struct SavedCheckpoint {
  int64_t step = 0;
  std::string directory;  // relative to the run directory: "checkpoints/step-200"
  int64_t bytes = 0;      // of all files
  std::vector<uint8_t> manifest_sha256;
};

/// A checkpoint in a store.
struct CheckpointInfo {
  int64_t step = 0;
  std::filesystem::path directory;
  int64_t bytes = 0;
};

/// A damaged checkpoint.
struct DamagedCheckpoint {
  int64_t step = 0;
  std::string name;      // "step-200"
  std::string moved_to;  // "corrupt-step-200"; empty if it could not be renamed
  std::string message;   // each damaged file and what is wrong with it
};
using OnDamaged = std::function<void(const DamagedCheckpoint&)>;

/// Which checkpoints to keep.
struct Retention {
  int64_t keep_last = 3;                // at least 1
  std::optional<int64_t> best_step;     // kept, however old
  std::optional<int64_t> resumed_step;  // kept until there are two newer ones
};

/// How much free space a save requires beyond the bytes it will write.
struct SpaceReserve {
  double factor = 1.1;
  int64_t bytes = int64_t{16} << 20;
};

/// The checkpoints of one run: directories "step-N" in one directory, each published by a single
/// rename, so that at every moment each one is whole or absent. A writer must hold the run's
/// core::DirectoryLock; readers need no lock. Layout: FORMAT.md. Threads: [inst].
class CheckpointStore {
 public:
  /// Touches no file; save() creates the directory.
  CheckpointStore(std::filesystem::path checkpoints_directory, core::FileSystem& files,
                  SpaceReserve reserve = {});

  /// Writes and publishes a checkpoint, replacing one of the same step. When it returns, the
  /// checkpoint survives a power loss; when it throws, older checkpoints are unchanged and this one
  /// is whole or absent. A later call starts anew. Throws Error(kIo) if the disk is too small, full
  /// or broken, Error(kInvalidArgument) for repeated names, text that is not UTF-8 or a state that
  /// is not JSON.
  SavedCheckpoint save(const CheckpointContents& contents, const ToHost& to_host = {});

  /// The checkpoints whose manifest is whole and whose files have the right lengths, newest first.
  [[nodiscard]] std::vector<CheckpointInfo> list() const;

  /// Reads a checkpoint and checks every byte; a relative path is used as it is. Throws
  /// Error(kDamaged) that names each damaged file.
  [[nodiscard]] CheckpointContents load(const std::filesystem::path& directory) const;

  /// Opens the newest checkpoint that is whole. Damaged ones on the way are reported and renamed to
  /// "corrupt-step-N". Null if there is no checkpoint. Throws Error(kDamaged) if there are some but
  /// none is whole.
  [[nodiscard]] std::unique_ptr<CheckpointReader> open_newest(const OnDamaged& on_damaged = {});

  /// Cleans up after a killed process; call it once before the first save. Returns the names of
  /// what it removed or restored.
  std::vector<std::string> sweep();

  /// Removes the checkpoints that retention does not keep and returns their names, relative to the
  /// run directory. Damaged ones neither count nor are removed.
  std::vector<std::string> retain(const Retention& retention);

  /// Verifies a checkpoint, as verify_checkpoint() does.
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
