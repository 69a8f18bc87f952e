#include "core/directory_lock.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

#include "core/error.h"

namespace switchyard::core {

namespace {

std::string holder_of(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t length = ::pread(descriptor, text.data(), text.size(), 0);
  std::string digits;
  for (ssize_t i = 0;
       i < length && text[static_cast<size_t>(i)] >= '0' && text[static_cast<size_t>(i)] <= '9';
       ++i) {
    digits += text[static_cast<size_t>(i)];
  }
  return digits.empty() ? "another process" : "process " + digits;
}

[[noreturn]] void give_up(int descriptor, const std::filesystem::path& path, const char* doing,
                          int code) {
  if (descriptor >= 0) {
    ::close(descriptor);
  }
  fail(ErrorCode::kIo, "cannot {} '{}': {}", doing, path.string(),
       std::generic_category().message(code));
}

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (descriptor_ < 0) {
    give_up(-1, path, "open", errno);
  }
  while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    if (code == EINTR) {
      continue;
    }
    if (code != EWOULDBLOCK) {
      give_up(descriptor_, path, "lock", code);
    }
    const std::string holder = holder_of(descriptor_);
    ::close(descriptor_);
    fail(ErrorCode::kState, "'{}' is in use by {}; wait for it or stop it first",
         directory.string(), holder);
  }
  // The number is for people only; the kernel keeps the lock.
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    give_up(descriptor_, path, "write", errno);
  }
}

DirectoryLock::~DirectoryLock() {
  ::close(descriptor_);
}

}  // namespace switchyard::core
