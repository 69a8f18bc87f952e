#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <switchyard/plugin.h>

namespace switchyard::plugin_host {

/// The kinds of component, with the values of SY_KIND_*.
enum class ComponentKind : uint32_t {
  kGate = SY_KIND_GATE,
  kExpert = SY_KIND_EXPERT,
  kOptimizer = SY_KIND_OPTIMIZER
};

/// "gate", "expert" or "optimizer".
[[nodiscard]] std::string name_of(ComponentKind kind);

/// A plugin file's statement about itself, read without running any of its code.
struct PluginIdentity {
  std::filesystem::path path;
  std::string id;       // "org.example.gates"
  std::string version;  // semver
  std::string vendor;
  std::string sdk;         // which SDK layer it was built with
  std::string cuda_archs;  // "" = no device code of its own
  uint16_t abi_major = 0;
  uint16_t abi_minor = 0;
  uint16_t need_minor = 0;  // oldest minor of a host that can run it; read from 1.0 on
  uint32_t kinds = 0;       // 1 << SY_KIND_*
  uint32_t caps = 0;        // SY_CAP_*
  std::string sha256;       // of the whole file, hexadecimal
  uint64_t device = 0;      // with inode, bytes and mtime_ns: which file was read
  uint64_t inode = 0;
  int64_t bytes = 0;
  int64_t mtime_ns = 0;
};

/// Reads the stamp of a plugin file; lengths and offsets of the file are never trusted. Throws
/// Error: kNotFound if it cannot be opened, kAbi if it is not a plugin (not ELF, another
/// architecture, no stamp), kDamaged if the file contradicts itself. The version is not judged
/// here. Threads: [any].
[[nodiscard]] PluginIdentity read_identity(const std::filesystem::path& path);

/// Throws Error(kAbi), saying both versions and how to mend it, unless this engine can run a plugin
/// of that identity; also for kinds that it does not know.
void require_loadable(const PluginIdentity& identity);

/// True while `path` still is the very file that the identity was read from.
[[nodiscard]] bool is_unchanged(const PluginIdentity& identity);

}  // namespace switchyard::plugin_host
