#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace switchyard::process {

/// Where things lie in a run directory. core::DirectoryLock keeps other processes out of it.
struct RunPaths {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path config() const { return root / "config.toml"; }
  [[nodiscard]] std::filesystem::path database() const { return root / "run.db"; }
  [[nodiscard]] std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  [[nodiscard]] std::filesystem::path log() const { return root / "log.jsonl"; }
};

/// True if the directory holds a run, whole or not.
[[nodiscard]] bool holds_run(const std::filesystem::path& directory);

/// Throws Error(kInvalidArgument), with the command that continues the run, if the directory holds
/// one.
void require_no_run(const std::filesystem::path& directory);

/// Makes an empty run directory and the directories above it. Throws as require_no_run() does, and
/// Error(kIo) if it cannot be made.
void create_run_directory(const std::filesystem::path& directory);

/// Throws Error(kNotFound) unless the directory holds a run.
void require_run(const std::filesystem::path& directory);

/// True while a process holds the run's core::DirectoryLock. Asks the kernel's list of locks, so it
/// never stands in the way of a program that wants the lock.
[[nodiscard]] bool is_locked(const std::filesystem::path& directory);

/// A checkpoint as its directory's name says it.
struct CheckpointPlace {
  int64_t step = 0;
  std::filesystem::path path;
};

/// All checkpoints/step-N of a run, oldest first; their contents are not looked at.
[[nodiscard]] std::vector<CheckpointPlace> list_checkpoints(const std::filesystem::path& directory);

}  // namespace switchyard::process
