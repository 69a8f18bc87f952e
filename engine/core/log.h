#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace switchyard::core {

/// The severity of a message.
enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Receives the engine's messages. The library itself never prints.
/// Threads: [any]; the callback must not throw.
using LogSink = std::function<void(LogLevel level, std::string_view who, std::string_view text)>;

}  // namespace switchyard::core
