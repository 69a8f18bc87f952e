#include "core/file_io.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace switchyard::core {

namespace {

// Small enough that what was written is still in the cache when its checksum is taken.
constexpr int64_t kPiece = int64_t{1} << 20;

std::string reason(int64_t result) {
  return std::generic_category().message(static_cast<int>(-result));
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.parent_path();
  return parent.empty() ? "." : parent;
}

int open_file(FileSystem& files, const std::filesystem::path& path, OpenMode mode,
              std::string_view doing) {
  for (;;) {
    const int64_t result = files.open(path, mode);
    if (result >= 0) {
      return static_cast<int>(result);
    }
    if (result != -EINTR) {
      fail_io(files, path, doing, result);
    }
  }
}

// A destructor can neither report a failing close nor let a test's fault escape.
void close_quietly(FileSystem& files, int descriptor) noexcept {
  try {
    (void)files.close(descriptor);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace

void fail_io(FileSystem& files, const std::filesystem::path& path, std::string_view doing,
             int64_t result, int64_t needed_bytes) {
  const std::string message =
      fmt::format("cannot {} '{}': {}", doing, path.string(), reason(result));
  if (result == -ENOSPC || result == -EDQUOT) {
    const int64_t free = files.free_bytes(parent_of(path));
    fail(ErrorCode::kIo, "{} ({} needed, {} free); free some space", message,
         needed_bytes < 0 ? std::string("more") : fmt::format("{} more bytes", needed_bytes),
         free < 0 ? std::string("an unknown number") : fmt::format("{}", free));
  }
  fail(result == -ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, "{}", message);
}

OutputFile::OutputFile(FileSystem& files, std::filesystem::path path)
    : files_(files),
      path_(std::move(path)),
      descriptor_(open_file(files, path_, OpenMode::kCreateNew, "create")) {
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) {
    close_quietly(files_, descriptor_);
  }
}

void OutputFile::write(const void* data, int64_t bytes) {
  const auto* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const int64_t taken = files_.write(descriptor_, at, std::min(bytes, kPiece));
    if (taken == -EINTR) {
      continue;
    }
    if (taken <= 0) {
      fail_io(files_, path_, "write", taken == 0 ? -EIO : taken, bytes);
    }
    crc_.update(at, static_cast<size_t>(taken));
    at += taken;
    bytes -= taken;
    bytes_ += taken;
  }
}

void OutputFile::sync_and_close() {
  const int64_t synced = files_.sync(descriptor_);
  // Linux frees the descriptor even if close fails, so it is given up before the result is known.
  const int64_t closed = files_.close(std::exchange(descriptor_, -1));
  if (synced < 0) {
    fail_io(files_, path_, "make durable", synced);
  }
  if (closed < 0 && closed != -EINTR) {
    fail_io(files_, path_, "close", closed);
  }
}

InputFile::InputFile(FileSystem& files, std::filesystem::path path)
    : files_(files),
      path_(std::move(path)),
      descriptor_(open_file(files, path_, OpenMode::kRead, "open")) {
  size_ = files_.size(descriptor_);
  if (size_ < 0) {
    close_quietly(files_, descriptor_);
    fail_io(files_, path_, "find the size of", size_);
  }
}

InputFile::~InputFile() {
  close_quietly(files_, descriptor_);
}

void InputFile::read_at(void* data, int64_t bytes, int64_t offset) const {
  auto* at = static_cast<char*>(data);
  while (bytes > 0) {
    const int64_t got = files_.read_at(descriptor_, at, bytes, offset);
    if (got == -EINTR) {
      continue;
    }
    if (got == 0) {
      fail(ErrorCode::kDamaged, "'{}' ends at byte {}, but {} more bytes must follow",
           path_.string(), offset, bytes);
    }
    if (got == -EIO) {
      fail(ErrorCode::kDamaged, "the disk cannot read '{}' at byte {}", path_.string(), offset);
    }
    if (got < 0) {
      fail_io(files_, path_, "read", got);
    }
    at += got;
    bytes -= got;
    offset += got;
  }
}

std::string read_file(FileSystem& files, const std::filesystem::path& path, int64_t max_bytes) {
  const InputFile file(files, path);
  if (file.size() > max_bytes) {
    fail(ErrorCode::kDamaged, "'{}' must have at most {} bytes, it has {}", path.string(),
         max_bytes, file.size());
  }
  std::string content(static_cast<size_t>(file.size()), '\0');
  file.read_at(content.data(), file.size(), 0);
  return content;
}

void sync_directory(FileSystem& files, const std::filesystem::path& path) {
  const int descriptor = open_file(files, path, OpenMode::kDirectory, "open the directory");
  const int64_t synced = files.sync(descriptor);
  close_quietly(files, descriptor);
  if (synced < 0) {
    fail_io(files, path, "make durable the directory", synced);
  }
}

void make_directories(FileSystem& files, const std::filesystem::path& path) {
  int64_t result = files.make_directory(path);
  if (result == -ENOENT && path.has_relative_path() && parent_of(path) != path) {
    make_directories(files, parent_of(path));
    result = files.make_directory(path);
  }
  if (result == -EEXIST) {
    return;
  }
  if (result < 0) {
    fail_io(files, path, "make the directory", result);
  }
  sync_directory(files, parent_of(path));
}

void durable_write_file(FileSystem& files, const std::filesystem::path& path,
                        std::string_view content) {
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  remove_tree(files, temporary);
  try {
    OutputFile file(files, temporary);
    file.write(content);
    file.sync_and_close();
  } catch (const Error&) {
    (void)files.remove_file(temporary);
    throw;
  }
  durable_rename(files, temporary, path, RenameMode::kReplace);
}

bool rename_path(FileSystem& files, const std::filesystem::path& from,
                 const std::filesystem::path& to, RenameMode mode) {
  const int64_t result = files.rename(from, to, mode);
  if (mode == RenameMode::kNoReplace && (result == -EEXIST || result == -ENOTEMPTY)) {
    return false;
  }
  if (result < 0) {
    fail_io(files, from, fmt::format("rename to '{}' what is", to.string()), result);
  }
  return true;
}

void durable_rename(FileSystem& files, const std::filesystem::path& from,
                    const std::filesystem::path& to, RenameMode mode) {
  if (!rename_path(files, from, to, mode)) {
    fail(ErrorCode::kState, "cannot rename '{}' to '{}': that name is taken", from.string(),
         to.string());
  }
  sync_directory(files, parent_of(to));
}

void remove_tree(FileSystem& files, const std::filesystem::path& path) {
  const int64_t as_file = files.remove_file(path);
  if (as_file >= 0 || as_file == -ENOENT) {
    return;
  }
  if (as_file != -EISDIR && as_file != -EPERM) {
    fail_io(files, path, "remove", as_file);
  }
  for (const DirectoryEntry& entry : list_directory(files, path)) {
    remove_tree(files, path / entry.name);
  }
  const int64_t result = files.remove_directory(path);
  if (result < 0 && result != -ENOENT) {
    fail_io(files, path, "remove the directory", result);
  }
}

std::vector<DirectoryEntry> list_directory(FileSystem& files, const std::filesystem::path& path) {
  std::vector<DirectoryEntry> entries;
  const int64_t result = files.list(path, entries);
  if (result < 0 && result != -ENOENT) {
    fail_io(files, path, "list the directory", result);
  }
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

int64_t free_bytes(FileSystem& files, const std::filesystem::path& path) {
  const int64_t result = files.free_bytes(path);
  if (result < 0) {
    fail_io(files, path, "find the free space of", result);
  }
  return result;
}

}  // namespace switchyard::core
