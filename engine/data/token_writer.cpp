#include "data/token_writer.h"

#include <algorithm>
#include <cerrno>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "core/error.h"
#include "data/token_file.h"

namespace switchyard::data {

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  if (file_ < 0) {
    fail("be created");
  }
}

OutputFile::~OutputFile() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

void OutputFile::write_at(std::span<const std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      fail("be written");
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
}

void OutputFile::read_at(std::span<std::byte> bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      fail("be read back");
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
}

void OutputFile::sync() {
  if (::fsync(file_) != 0) {
    fail("be synced to the disk");
  }
}

void OutputFile::fail(std::string_view doing) const {
  const int error = errno;
  core::fail(core::ErrorCode::kIo, "{}: cannot {}: {}{}", path_.string(), doing,
             std::strerror(error),
             error == ENOSPC ? "; make room or choose another output directory" : "");
}

template <typename T>
void TokenWriter<T>::flush() {
  file_.write_at(std::as_bytes(std::span(buffer_)),
                 sizeof(TokenFileHeader) + static_cast<uint64_t>(count_) * sizeof(T));
  count_ += static_cast<int64_t>(buffer_.size());
  buffer_.clear();
}

template <typename T>
std::string TokenWriter<T>::finish(core::FunctionRef<void(std::span<T>)> change) {
  flush();
  checksum::Sha256 sha256;
  uint64_t offset = sizeof(TokenFileHeader);
  for (int64_t left = count_; left > 0;) {
    const auto take = std::min(left, static_cast<int64_t>(kBufferElements));
    buffer_.resize(static_cast<size_t>(take));
    file_.read_at(std::as_writable_bytes(std::span(buffer_)), offset);
    change(buffer_);
    sha256.update(std::as_bytes(std::span(buffer_)));
    file_.write_at(std::as_bytes(std::span(buffer_)), offset);
    offset += buffer_.size() * sizeof(T);
    left -= take;
  }
  buffer_.clear();
  TokenFileHeader header;
  header.element_size = sizeof(T);
  header.count = static_cast<uint64_t>(count_);
  header.sha256 = sha256.finish();
  file_.write_at(std::as_bytes(std::span(&header, 1)), 0);
  file_.sync();
  return checksum::hex(header.sha256);
}

template class TokenWriter<int32_t>;
template class TokenWriter<uint64_t>;

}  // namespace switchyard::data
