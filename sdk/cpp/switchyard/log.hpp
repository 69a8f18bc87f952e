// SPDX-License-Identifier: Apache-2.0
// The engine's log. A plugin prints nothing itself.
#pragma once

#include <switchyard/error.hpp>
#include <switchyard/host.h>

namespace sy {

/// Writes to the engine's log under one name. Copies are cheap; one lives as long as the host.
/// Threads: [any].
class Log {
 public:
  /// `who` names the writer and lives as long as this: the id of a component.
  Log(const sy_host& host, const char* who) noexcept : host_(&host), who_(who) {}

  /// Joins the parts to one line.
  template <typename... Parts>
  void debug(const Parts&... parts) const {
    write(SY_LOG_DEBUG, join(parts...));
  }
  template <typename... Parts>
  void info(const Parts&... parts) const {
    write(SY_LOG_INFO, join(parts...));
  }
  template <typename... Parts>
  void warn(const Parts&... parts) const {
    write(SY_LOG_WARN, join(parts...));
  }
  template <typename... Parts>
  void error(const Parts&... parts) const {
    write(SY_LOG_ERROR, join(parts...));
  }

 private:
  void write(int32_t level, const std::string& text) const {
    if (SY_HAS_FN(host_, sy_host, log)) {
      host_->log(host_, level, who_, text.c_str());
    }
  }

  const sy_host* host_;
  const char* who_;
};

}  // namespace sy
