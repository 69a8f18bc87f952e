#include "data/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "core/error.h"

namespace switchyard::data {

namespace {

[[noreturn]] void fail_to_read(const std::filesystem::path& path) {
  const int error = errno;
  core::fail(error == ENOENT ? core::ErrorCode::kNotFound : core::ErrorCode::kIo,
             "{}: cannot be read: {}", path.string(), std::strerror(error));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    fail_to_read(path);
  }
  struct stat info{};
  void* data = nullptr;
  bool ok = ::fstat(file, &info) == 0;
  if (ok && !S_ISREG(info.st_mode)) {
    ::close(file);
    core::fail(core::ErrorCode::kIo, "{}: must be a regular file, and is {}", path.string(),
               S_ISDIR(info.st_mode) ? "a directory" : "none");
  }
  if (ok && info.st_size > 0) {
    data = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_SHARED, file, 0);
    ok = data != MAP_FAILED;
  }
  if (!ok) {
    const int error = errno;
    ::close(file);
    errno = error;
    fail_to_read(path);
  }
  ::close(file);
  data_ = static_cast<const std::byte*>(data);
  size_ = static_cast<size_t>(info.st_size);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(const_cast<std::byte*>(data_), size_);
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace switchyard::data
