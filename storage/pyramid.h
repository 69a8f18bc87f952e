#pragma once

#include <cstdint>
#include <set>
#include <span>

#include "database.h"

namespace switchyard::storage {

constexpr int kTileShift = 2;    // a tile merges 4 of the level below
constexpr int kMetricShift = 4;  // a bucket of metric_lod merges 16

/// The reductions below are made anew from the level under them, inside the caller's transaction.
/// So they hold no state, and a replayed or rolled back step cannot be counted twice.

/// Stores the level-0 tile of one logged step.
void put_tile(Database& db, int64_t layer, int64_t step, std::span<const float> importance,
              std::span<const float> load);

/// Makes every tile above level 0 anew that covers one of `steps`.
void refresh_tiles(Database& db, int64_t layer, const std::set<int64_t>& steps);

/// Makes every bucket of metric_lod anew that covers one of `steps`.
void refresh_metric(Database& db, int64_t name_id, const std::set<int64_t>& steps);

}  // namespace switchyard::storage
