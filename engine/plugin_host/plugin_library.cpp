#include "plugin_host/plugin_library.h"

#include <dlfcn.h>
#include <utility>

#include <boost/dll/shared_library.hpp>

#include "plugin_host/border.h"
#include "plugin_host/plugin_table.h"
#include "plugin_host/process_state.h"

namespace switchyard::plugin_host {

namespace {

using core::ErrorCode;
using core::fail;

constexpr const char* kEntrySymbol = "sy_plugin_entry_v1";

std::shared_ptr<boost::dll::shared_library> open_library(const std::filesystem::path& path) {
  namespace mode = boost::dll::load_mode;
  try {
    // Lazy binding is the default, and would end the process at the first use of a missing symbol.
    return std::make_shared<boost::dll::shared_library>(path, mode::rtld_now | mode::rtld_local);
  } catch (const std::exception& caught) {
    fail(ErrorCode::kAbi, "it cannot be loaded: {}", caught.what());
  } catch (...) {
    fail(ErrorCode::kAbi, "it cannot be loaded: a constructor in it threw an exception");
  }
}

const sy_plugin* call_entry(const boost::dll::shared_library& library, const Host& host) {
  if (!library.has(kEntrySymbol)) {
    fail(ErrorCode::kAbi, "it does not export {}: define it with SY_EXPORT and C linkage",
         kEntrySymbol);
  }
  const auto entry = &library.get<decltype(sy_plugin_entry_v1)>(kEntrySymbol);
  const sy_plugin* table = nullptr;
  Complaint complaint;
  const sy_status status = complaint.call(entry, static_cast<const sy_host*>(&host), &table);
  if (status != SY_OK) {
    fail(code_of_status(status), "{} failed ({}): {}", kEntrySymbol, name_of_status(status),
         complaint.text());
  }
  return table;
}

void call_init(const sy_plugin& table, const Host& host) {
  if (!table.init) {
    return;
  }
  Complaint complaint;
  const sy_status status = complaint.call(table.init, static_cast<const sy_host*>(&host));
  if (status != SY_OK) {
    fail(code_of_status(status), "its init() failed ({}): {}", name_of_status(status),
         complaint.text());
  }
}

void call_shutdown(const sy_plugin& table, const Host& host) {
  if (!table.shutdown) {
    return;
  }
  try {
    table.shutdown();
  } catch (...) {
    if (host.sink) {
      host.sink(core::LogLevel::kError, table.id, "its shutdown() threw an exception");
    }
  }
}

// Promotes the library to one that dlclose() leaves mapped. Boost.DLL has no mode for that.
void keep_mapped(const std::filesystem::path& path) {
  void* again = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD | RTLD_NODELETE);
  if (again == nullptr) {
    fail(ErrorCode::kInternal, "it is loaded and cannot be found again");
  }
  ::dlclose(again);
}

}  // namespace

PluginLibrary::PluginLibrary(PluginIdentity identity, std::shared_ptr<const Host> host)
    : identity_(std::move(identity)), host_(std::move(host)) {
  require_loadable(identity_);
  try {
    core::require(identity_.path.is_absolute(), "its path must be absolute");
    ProcessState state;
    const std::shared_ptr<boost::dll::shared_library> library = open_library(identity_.path);
    library_ = library;
    table_ = call_entry(*library, *host_);
    check_table(table_, identity_);
    if (!is_unchanged(identity_)) {
      fail(ErrorCode::kState, "it changed while it was being loaded: try again");
    }
    call_init(*table_, *host_);
    const std::string touched = state.restore();
    if (!touched.empty()) {
      call_shutdown(*table_, *host_);
      fail(ErrorCode::kState,
           "loading it changed {}, which belongs to the process (it was set back)", touched);
    }
    keep_mapped(identity_.path);
  } catch (const core::Error& caught) {
    fail(caught.code(), "{}: refused: {}", identity_.path.string(), caught.what());
  }
}

PluginLibrary::~PluginLibrary() {
  call_shutdown(*table_, *host_);
}

}  // namespace switchyard::plugin_host
