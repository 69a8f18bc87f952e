#pragma once

#include <filesystem>
#include <string>

namespace switchyard::plugin_host {

/// How much must be safe from other users before code is loaded from a file.
enum class TrustPolicy {
  kFileAndDirectories,  // the file, its directory and every directory above
  kFile,                // the file alone
  kAnything             // no check
};

/// Why a plugin file must not be loaded, with the command that mends it; empty if it may be.
///
/// The file must be a regular one (no link) of root or of the current user, which only its owner
/// can write; so must be every directory above it, a sticky /tmp included. Directories that also
/// lie above `program` are not checked: a user who can write there can replace the program itself.
///
///   file     absolute, without links in its directories
///   program  the running executable, absolute without links; empty = ask about every directory
[[nodiscard]] std::string reason_for_distrust(const std::filesystem::path& file, TrustPolicy policy,
                                              const std::filesystem::path& program);

/// The file of the running program; empty where the system does not tell.
[[nodiscard]] std::filesystem::path program_path();

}  // namespace switchyard::plugin_host
