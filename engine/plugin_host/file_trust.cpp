#include "plugin_host/file_trust.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace switchyard::plugin_host {

namespace {

std::string octal(mode_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) {
    digits += static_cast<char>('0' + ((mode >> static_cast<unsigned>(shift)) & 7U));
  }
  return digits;
}

// The fault in the owner or the mode of a file or directory, or "".
std::string wrong_owner_or_mode(const std::filesystem::path& path, const struct stat& status) {
  const char* what = S_ISDIR(status.st_mode) ? "the directory " : "the file ";
  if (status.st_uid != 0 && status.st_uid != ::geteuid()) {
    return fmt::format(
        "{}{} belongs to user {}, and plugins are loaded only from root and from the current user "
        "({}): copy the plugin to a directory of your own",
        what, path.string(), status.st_uid, ::geteuid());
  }
  const bool by_group = (status.st_mode & S_IWGRP) != 0;
  const bool by_others = (status.st_mode & S_IWOTH) != 0;
  if (by_group || by_others) {
    return fmt::format("{}{} can be written by {} (mode {}): chmod go-w {}", what, path.string(),
                       by_group && by_others ? "its group and by others"
                       : by_group            ? "its group"
                                             : "others",
                       octal(status.st_mode), path.string());
  }
  return "";
}

bool lies_above(const std::filesystem::path& directory, const std::filesystem::path& file) {
  const auto [end, other] =
      std::mismatch(directory.begin(), directory.end(), file.begin(), file.end());
  static_cast<void>(other);
  return end == directory.end();
}

}  // namespace

std::string reason_for_distrust(const std::filesystem::path& file, TrustPolicy policy,
                                const std::filesystem::path& program) {
  if (policy == TrustPolicy::kAnything) {
    return "";
  }
  struct stat status{};
  if (::lstat(file.c_str(), &status) != 0) {
    return fmt::format("cannot look at {}: {}", file.string(), std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return fmt::format("{} is not a regular file{}", file.string(),
                       S_ISLNK(status.st_mode) ? " but a link: copy the file it points to" : "");
  }
  std::string reason = wrong_owner_or_mode(file, status);
  if (policy == TrustPolicy::kFile) {
    return reason;
  }
  for (std::filesystem::path above = file.parent_path(); reason.empty();
       above = above.parent_path()) {
    if (!program.empty() && lies_above(above, program)) {
      break;
    }
    if (::lstat(above.c_str(), &status) != 0) {
      return fmt::format("cannot look at {}: {}", above.string(), std::strerror(errno));
    }
    reason = wrong_owner_or_mode(above, status);
    if (above == above.root_path()) {
      break;
    }
  }
  return reason;
}

std::filesystem::path program_path() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error);
}

}  // namespace switchyard::plugin_host
