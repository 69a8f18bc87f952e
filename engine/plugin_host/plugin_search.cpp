#include "plugin_host/plugin_search.h"

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <map>

#include "core/error.h"
#include "plugin_host/name_list.h"

namespace switchyard::plugin_host {

namespace {

namespace fs = std::filesystem;

void add_once(std::vector<fs::path>& directories, const fs::path& directory) {
  const fs::path normal = directory.lexically_normal();
  if (std::find(directories.begin(), directories.end(), normal) == directories.end()) {
    directories.push_back(normal);
  }
}

void add_from_path_variable(std::vector<fs::path>& directories, const core::LogSink& log) {
  const char* variable = ::secure_getenv("SWITCHYARD_PLUGIN_PATH");
  std::string_view rest = variable == nullptr ? "" : variable;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    if (fs::path(entry).is_absolute()) {
      add_once(directories, entry);
    } else if (!entry.empty() && log) {
      log(core::LogLevel::kWarning, "plugins",
          fmt::format("SWITCHYARD_PLUGIN_PATH: '{}' is left out, it must be absolute", entry));
    }
  }
}

void add_of_user(std::vector<fs::path>& directories) {
  const char* data_home = ::secure_getenv("XDG_DATA_HOME");
  const char* home = ::secure_getenv("HOME");
  if (data_home != nullptr && fs::path(data_home).is_absolute()) {
    add_once(directories, fs::path(data_home) / "switchyard/plugins");
  } else if (home != nullptr && fs::path(home).is_absolute()) {
    add_once(directories, fs::path(home) / ".local/share/switchyard/plugins");
  }
}

// <prefix>/bin and <prefix>/lib as well as <prefix>/lib/<triplet>, in build and installed trees.
void add_of_tree(std::vector<fs::path>& directories, const fs::path& program) {
  std::error_code error;
  const fs::path prefix = program.parent_path().parent_path();
  const fs::path plain = prefix / "lib/switchyard/plugins";
  const fs::path multiarch =
      prefix / "lib" / SWITCHYARD_LIBRARY_ARCHITECTURE / "switchyard/plugins";
  add_once(directories, plain);
  if (multiarch != plain && fs::is_directory(multiarch, error)) {
    add_once(directories, multiarch);
  }
  // Where the engine is a library inside somebody else's program, its own place counts.
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&default_plugin_directories), &info) != 0 &&
      info.dli_fname != nullptr) {
    const fs::path self = fs::canonical(info.dli_fname, error);
    if (!error && self != program) {
      add_once(directories, self.parent_path() / "switchyard/plugins");
    }
  }
}

std::string kinds_text(uint32_t kinds) {
  std::string text;
  for (const ComponentKind kind :
       {ComponentKind::kGate, ComponentKind::kExpert, ComponentKind::kOptimizer}) {
    if ((kinds >> static_cast<uint32_t>(kind) & 1U) != 0) {
      append_name(text, name_of(kind), "+");
    }
  }
  return text;
}

std::string short_name(const fs::path& path) {
  std::string name = path.filename().string();
  name.resize(name.size() - kPluginSuffix.size());
  for (const std::string_view kind : {"gate_", "expert_", "optimizer_"}) {
    if (name.starts_with(kind)) {
      return name.substr(kind.size());
    }
  }
  return name;
}

std::vector<fs::path> plugin_files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  if (error) {
    return files;
  }
  for (fs::directory_iterator entry(real, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.size() > kPluginSuffix.size() && name.ends_with(kPluginSuffix)) {
      files.push_back(entry->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// A file that is refused for another reason takes no id away from one that can be loaded.
void refuse_duplicates(std::vector<PluginFile>& files) {
  std::map<std::string, std::vector<PluginFile*>> by_id;
  for (PluginFile& file : files) {
    if (file.refusal.empty()) {
      by_id[file.identity.id].push_back(&file);
    }
  }
  for (const auto& [id, same] : by_id) {
    for (size_t i = 0; same.size() > 1 && i < same.size(); ++i) {
      const PluginFile& other = *same[i == 0 ? 1 : 0];
      same[i]->refusal = fmt::format(
          "{}: refused: its id '{}' is also that of {}, and the two files differ: remove one of "
          "them",
          same[i]->identity.path.string(), id, other.identity.path.string());
    }
  }
}

}  // namespace

std::vector<fs::path> default_plugin_directories(const core::LogSink& log) {
  std::vector<fs::path> directories;
  add_from_path_variable(directories, log);
  add_of_user(directories);
  add_of_tree(directories, program_path());
  return directories;
}

PluginSearch::PluginSearch(const std::vector<fs::path>& directories, TrustPolicy trust)
    : trust_(trust), program_(program_path()) {
  for (const fs::path& directory : directories) {
    core::require(directory.is_absolute(), "plugin directory '{}' must be an absolute path",
                  directory.string());
    add_once(directories_, directory);
  }
}

std::vector<PluginFile> PluginSearch::scan() const {
  std::vector<PluginFile> files;
  for (const fs::path& directory : directories_) {
    for (const fs::path& path : plugin_files_in(directory)) {
      PluginFile file = inspect(path);
      const auto is_copy = [&file](const PluginFile& other) {
        return other.identity.path == file.identity.path ||
               (!file.identity.sha256.empty() && file.identity.sha256 == other.identity.sha256 &&
                other.refusal.empty());
      };
      if (std::none_of(files.begin(), files.end(), is_copy)) {
        files.push_back(std::move(file));
      }
    }
  }
  refuse_duplicates(files);
  return files;
}

std::string PluginSearch::directories_text() const {
  std::string text;
  for (const fs::path& directory : directories_) {
    append_name(text, directory.string());
  }
  return text.empty() ? "no directory" : text;
}

PluginFile PluginSearch::inspect(const fs::path& path) const {
  PluginFile file;
  file.identity.path = path;
  file.name = short_name(path);
  const std::string distrust = reason_for_distrust(path, trust_, program_);
  if (!distrust.empty()) {
    file.refusal = fmt::format("{}: refused: {}", path.string(), distrust);
    return file;
  }
  try {
    file.identity = read_identity(path);
    file.kind = kinds_text(file.identity.kinds);
    require_loadable(file.identity);
  } catch (const core::Error& caught) {
    file.refusal = caught.what();
  }
  return file;
}

}  // namespace switchyard::plugin_host
