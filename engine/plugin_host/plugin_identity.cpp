#include "plugin_host/plugin_identity.h"

#include <array>
#include <cerrno>
#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "core/error.h"

namespace switchyard::plugin_host {

namespace {

using core::ErrorCode;
using core::fail;

constexpr uint64_t kMostSections = 4096;
constexpr uint64_t kMostNameBytes = uint64_t{1} << 20;

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
#error "name this architecture's ELF machine number here"
#endif

/// A file that is read by offset, never outside its size.
class BoundedFile {
 public:
  explicit BoundedFile(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {
    if (descriptor_ < 0) {
      fail(ErrorCode::kNotFound, "cannot open it: {}", std::strerror(errno));
    }
    if (::fstat(descriptor_, &status_) != 0 || !S_ISREG(status_.st_mode)) {
      ::close(descriptor_);
      fail(ErrorCode::kAbi, "not a regular file");
    }
  }
  ~BoundedFile() { ::close(descriptor_); }
  BoundedFile(const BoundedFile&) = delete;
  BoundedFile& operator=(const BoundedFile&) = delete;

  [[nodiscard]] const struct stat& status() const { return status_; }

  /// False if [offset, offset + count) is not inside the file.
  [[nodiscard]] bool read(uint64_t offset, void* out, uint64_t count) const {
    const auto size = static_cast<uint64_t>(status_.st_size);
    if (offset > size || count > size - offset) {
      return false;
    }
    auto* at = static_cast<char*>(out);
    while (count > 0) {
      const ssize_t got = ::pread(descriptor_, at, count, static_cast<off_t>(offset));
      if (got <= 0) {
        return false;
      }
      at += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<uint64_t>(got);
    }
    return true;
  }

 private:
  int descriptor_;
  struct stat status_{};
};

std::vector<Elf64_Shdr> read_sections(const BoundedFile& file, Elf64_Ehdr& header) {
  if (!file.read(0, &header, sizeof header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    fail(ErrorCode::kAbi, "not an ELF file");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != kMachine) {
    fail(ErrorCode::kAbi, "built for another architecture (ELF machine {}, this engine runs on {})",
         header.e_machine, kMachine);
  }
  if (header.e_type != ET_DYN) {
    fail(ErrorCode::kAbi, "an ELF file, but not a shared object");
  }
  if (header.e_shnum == 0) {
    fail(ErrorCode::kAbi,
         "it has no section table and so no {}: not a plugin, or stripped of its sections",
         SY_STAMP_SECTION);
  }
  std::vector<Elf64_Shdr> sections(std::min<uint64_t>(header.e_shnum, kMostSections));
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum > kMostSections ||
      header.e_shstrndx >= header.e_shnum ||
      !file.read(header.e_shoff, sections.data(), sections.size() * sizeof(Elf64_Shdr))) {
    fail(ErrorCode::kDamaged, "its section table is damaged: copy or build it again");
  }
  return sections;
}

std::string read_section_names(const BoundedFile& file, const Elf64_Shdr& table) {
  std::string names(std::min<uint64_t>(table.sh_size, kMostNameBytes), '\0');
  if (table.sh_size > kMostNameBytes || !file.read(table.sh_offset, names.data(), names.size())) {
    fail(ErrorCode::kDamaged, "its table of section names is damaged: copy or build it again");
  }
  return names;
}

sy_stamp read_stamp(const BoundedFile& file) {
  Elf64_Ehdr header{};
  const std::vector<Elf64_Shdr> sections = read_sections(file, header);
  const std::string names = read_section_names(file, sections[header.e_shstrndx]);
  for (const Elf64_Shdr& section : sections) {
    // c_str() ends within the string, so a name without a terminator cannot run past the table.
    if (section.sh_name >= names.size() ||
        std::strcmp(names.c_str() + section.sh_name, SY_STAMP_SECTION) != 0) {
      continue;
    }
    sy_stamp stamp{};
    if (section.sh_type != SHT_PROGBITS || section.sh_size != sizeof stamp ||
        !file.read(section.sh_offset, &stamp, sizeof stamp) ||
        std::memcmp(stamp.magic, SY_STAMP_MAGIC, sizeof stamp.magic) != 0 ||
        stamp.size != sizeof stamp) {
      fail(ErrorCode::kDamaged, "its {} section is damaged: build it again", SY_STAMP_SECTION);
    }
    return stamp;
  }
  fail(ErrorCode::kAbi,
       "it has no {} section, so it is not a Switchyard plugin: write SY_STAMP(...) in one of its "
       "sources",
       SY_STAMP_SECTION);
}

template <size_t Size>
std::string text_of(const char (&field)[Size], const char* what) {
  const size_t length = strnlen(field, Size);
  if (length == Size) {
    fail(ErrorCode::kDamaged, "its stamp has no end of the {}: build it again", what);
  }
  return {field, length};
}

std::string hash_of(const BoundedFile& file) {
  checksum::Sha256 hash;
  std::vector<std::byte> chunk(size_t{1} << 16U);
  auto left = static_cast<uint64_t>(file.status().st_size);
  for (uint64_t offset = 0; left > 0;) {
    const uint64_t count = std::min<uint64_t>(left, chunk.size());
    if (!file.read(offset, chunk.data(), count)) {
      fail(ErrorCode::kIo, "it cannot be read to its end");
    }
    hash.update(chunk.data(), count);
    offset += count;
    left -= count;
  }
  return checksum::hex(hash.finish());
}

int64_t nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::string name_of(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kGate:
      return "gate";
    case ComponentKind::kExpert:
      return "expert";
    case ComponentKind::kOptimizer:
      return "optimizer";
  }
  return "unknown kind";
}

PluginIdentity read_identity(const std::filesystem::path& path) {
  try {
    const BoundedFile file(path);
    const sy_stamp stamp = read_stamp(file);
    PluginIdentity identity;
    identity.path = path;
    identity.id = text_of(stamp.id, "id");
    identity.version = text_of(stamp.version, "version");
    identity.vendor = text_of(stamp.vendor, "vendor");
    identity.sdk = text_of(stamp.sdk, "SDK's name");
    identity.cuda_archs = text_of(stamp.cuda_archs, "CUDA architectures");
    if (identity.id.empty()) {
      fail(ErrorCode::kDamaged, "its stamp names no id");
    }
    identity.abi_major = stamp.abi_major;
    identity.abi_minor = stamp.abi_minor;
    identity.need_minor = stamp.need_minor;
    identity.kinds = stamp.kinds;
    identity.caps = stamp.caps;
    identity.sha256 = hash_of(file);
    identity.device = file.status().st_dev;
    identity.inode = file.status().st_ino;
    identity.bytes = file.status().st_size;
    identity.mtime_ns = nanoseconds(file.status().st_mtim);
    return identity;
  } catch (const core::Error& caught) {
    fail(caught.code(), "{}: refused: {}", path.string(), caught.what());
  }
}

void require_loadable(const PluginIdentity& identity) {
  const std::string who = fmt::format("{}: refused before loading: '{}' {}", identity.path.string(),
                                      identity.id, identity.version);
  if (identity.abi_major != SY_ABI_MAJOR || identity.abi_minor != SY_ABI_MINOR) {
    const bool newer = identity.abi_major > SY_ABI_MAJOR ||
                       (identity.abi_major == SY_ABI_MAJOR && identity.abi_minor > SY_ABI_MINOR);
    fail(ErrorCode::kAbi,
         "{} was built for plugin ABI {}.{}, this engine offers {}.{}, and while the major is 0 "
         "the two must be equal: {}build the plugin with this engine's SDK, or ask {} for a build "
         "for ABI {}.{}",
         who, identity.abi_major, identity.abi_minor, SY_ABI_MAJOR, SY_ABI_MINOR,
         newer ? "update the engine, or " : "",
         identity.vendor.empty() ? "its vendor" : identity.vendor, SY_ABI_MAJOR, SY_ABI_MINOR);
  }
  constexpr uint32_t kKnown = 1U << SY_KIND_GATE | 1U << SY_KIND_EXPERT | 1U << SY_KIND_OPTIMIZER;
  if (identity.kinds == 0 || (identity.kinds & ~kKnown) != 0) {
    fail(ErrorCode::kAbi,
         "{} offers components of an unknown kind (kinds {:#x}), this engine knows gate, expert "
         "and optimizer",
         who, identity.kinds);
  }
}

bool is_unchanged(const PluginIdentity& identity) {
  struct stat now{};
  return ::stat(identity.path.c_str(), &now) == 0 && now.st_dev == identity.device &&
         now.st_ino == identity.inode && now.st_size == identity.bytes &&
         nanoseconds(now.st_mtim) == identity.mtime_ns;
}

}  // namespace switchyard::plugin_host
