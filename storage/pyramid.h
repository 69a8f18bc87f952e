#pragma once

#include <cstdint>
#include <set>
#include <span>

#include "database.h"

namespace switchyard::storage {

constexpr int kTileShift = 2;    // a tile merges 4 of the level below
constexpr int kMetricShift = 4;  // a bucket of metric_lod merges 16

// The reductions below are recomputed from the level beneath them, inside the caller's transaction.
// They hold no state, so that a step that is replayed or rolled back is never counted twice.

/// Stores the level-0 tile of one logged step.
void put_tile(Database& db, int64_t layer, int64_t step, std::span<const float> importance,
              std::span<const float> load);

/// Recomputes every tile above level 0 that covers one of `steps`.
void refresh_tiles(Database& db, int64_t layer, const std::set<int64_t>& steps);

/// Recomputes every bucket of metric_lod that covers one of `steps`.
void refresh_metric(Database& db, int64_t name_id, const std::set<int64_t>& steps);

}  // namespace switchyard::storage
