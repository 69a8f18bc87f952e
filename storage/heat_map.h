#pragma once

#include <cstdint>
#include <storage/run_types.h>

#include "database.h"

namespace switchyard::storage {

/// Reads the range from the finest level that has at most max_columns tiles in it.
[[nodiscard]] HeatMap read_heat_map(Database& db, const Layer& layer, int64_t first_step,
                                    int64_t last_step, int64_t max_columns);

}  // namespace switchyard::storage
