#pragma once

#include <filesystem>

namespace switchyard::data {

/// A directory that appears whole or not at all: it is filled beside its place and renamed.
class OutputDirectory {
 public:
  /// Makes the staging directory. Throws Error(kState) if `target` exists and is neither an empty
  /// directory nor, with `overwrite`, a data set; Error(kIo) if it cannot be made.
  OutputDirectory(const std::filesystem::path& target, bool overwrite);
  /// Removes the staging directory unless commit() was called.
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& staging() const { return staging_; }
  /// Syncs and puts the directory in its place. Throws Error(kIo); then the old one is still there.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
};

}  // namespace switchyard::data
