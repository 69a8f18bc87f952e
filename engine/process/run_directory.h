#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace switchyard::process {

/// The layout of a run directory. core::DirectoryLock keeps other processes out of it.
struct RunPaths {
  std::filesystem::path root;

  [[nodiscard]] std::filesystem::path config() const { return root / "config.toml"; }
  [[nodiscard]] std::filesystem::path database() const { return root / "run.db"; }
  [[nodiscard]] std::filesystem::path checkpoints() const { return root / "checkpoints"; }
  [[nodiscard]] std::filesystem::path log() const { return root / "log.jsonl"; }
};

/// True if the directory holds a run, even an incomplete one.
[[nodiscard]] bool holds_run(const std::filesystem::path& directory);

/// Throws Error(kInvalidArgument), with the command that continues the run, if the directory holds
/// one.
void require_no_run(const std::filesystem::path& directory);

/// Creates an empty run directory and its parents. Throws as require_no_run() does, and
/// Error(kIo) if the directory cannot be created.
void create_run_directory(const std::filesystem::path& directory);

/// Throws Error(kNotFound) unless the directory holds a run.
void require_run(const std::filesystem::path& directory);

/// True while a process holds the run's core::DirectoryLock. Reads the kernel's list of locks, so
/// that it never blocks a program that wants the lock.
[[nodiscard]] bool is_locked(const std::filesystem::path& directory);

/// A checkpoint, found by the name of its directory.
struct CheckpointPlace {
  int64_t step = 0;
  std::filesystem::path path;
};

/// All checkpoints/step-N of a run, oldest first. Does not look at their contents.
[[nodiscard]] std::vector<CheckpointPlace> list_checkpoints(const std::filesystem::path& directory);

}  // namespace switchyard::process
