#pragma once

#include <storage/run_types.h>
#include <string_view>

namespace switchyard::storage {

/// SHA-256 of `text`. Source: FIPS 180-4, section 6.2. Threads: [any].
[[nodiscard]] Sha256 sha256(std::string_view text);

}  // namespace switchyard::storage
