#pragma once

#include <filesystem>

namespace switchyard::data {

/// A directory that appears whole or not at all: it is filled under another name and then renamed.
class OutputDirectory {
 public:
  /// Creates the staging directory. Throws Error(kState) if `target` exists and is neither an empty
  /// directory nor, with `overwrite`, a data set; Error(kIo) if it cannot be created.
  OutputDirectory(const std::filesystem::path& target, bool overwrite);
  /// Removes the staging directory unless commit() was called.
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& staging() const { return staging_; }
  /// Syncs the directory and moves it into place. Throws Error(kIo) and leaves the old one in
  /// place.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
};

}  // namespace switchyard::data
