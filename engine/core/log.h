#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace switchyard::core {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Where the engine's talk goes. The library itself never prints.
/// Threads: [any]; the callback must not throw.
using LogSink = std::function<void(LogLevel level, std::string_view who, std::string_view text)>;

}  // namespace switchyard::core
