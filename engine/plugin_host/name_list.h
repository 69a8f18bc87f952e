#pragma once

#include <string>
#include <string_view>

namespace switchyard::plugin_host {

/// Appends an entry to a list for messages: "a", then "a, b".
inline void append_name(std::string& list, std::string_view entry,
                        std::string_view separator = ", ") {
  if (!list.empty()) {
    list.append(separator);
  }
  list.append(entry);
}

}  // namespace switchyard::plugin_host
