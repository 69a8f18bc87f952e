#include "heat_map.h"

#include "expert_codec.h"
#include "fail.h"
#include "pyramid.h"

namespace switchyard::storage {
namespace {

int64_t finest_level(Database& db, int64_t layer, int64_t first_step, int64_t last_step,
                     int64_t max_columns) {
  Statement& count = db.cached(
      "SELECT count(*) FROM (SELECT 1 FROM expert_tile WHERE layer=? AND level=? "
      "AND bucket BETWEEN ? AND ? LIMIT ?)");
  Statement& exists = db.cached("SELECT 1 FROM expert_tile WHERE layer=? AND level=? LIMIT 1");
  for (int64_t level = 0;; ++level) {
    const int64_t shift = level * kTileShift;
    count.bind(layer, level, first_step >> shift, last_step >> shift, max_columns + 1);
    const int64_t columns = count.step() ? count.integer(0) : 0;
    count.reset();
    exists.bind(layer, level + 1);
    const bool has_coarser = exists.step();
    exists.reset();
    if (columns <= max_columns || !has_coarser) {
      return level;
    }
  }
}

void append_mean(std::vector<float>& to, const std::vector<float>& sums, int64_t num_logged) {
  for (const float sum : sums) {
    to.push_back(sum / static_cast<float>(num_logged));
  }
}

}  // namespace

HeatMap read_heat_map(Database& db, const Layer& layer, int64_t first_step, int64_t last_step,
                      int64_t max_columns) {
  const int64_t level = finest_level(db, layer.id, first_step, last_step, max_columns);
  const int64_t shift = level * kTileShift;
  HeatMap map;
  map.num_experts = layer.num_experts;
  map.num_bins = num_bins(layer.num_experts);
  Statement& tiles = db.cached(
      "SELECT bucket, n_steps, bins, importance, load, crc32c FROM expert_tile "
      "WHERE layer=? AND level=? AND bucket BETWEEN ? AND ? ORDER BY bucket LIMIT ?");
  tiles.bind(layer.id, level, first_step >> shift, last_step >> shift, max_columns);
  while (tiles.step()) {
    const int64_t bucket = tiles.integer(0);
    const int64_t num_logged = tiles.integer(1);
    const int64_t bins = tiles.integer(2);
    const uint32_t crc =
        row_checksum({layer.id, level, bucket, num_logged, bins}, tiles.bytes(3), tiles.bytes(4));
    const auto importance = decode(tiles.bytes(3), bins, 0);
    const auto load = decode(tiles.bytes(4), bins, 0);
    if (int64_t{crc} != tiles.integer(5) || !importance || !load) {
      fail(ErrorCode::kDamaged, "{}: the heat map of layer '{}' is damaged from step {}",
           db.file().string(), layer.name, bucket << shift);
    }
    if (bins != map.num_bins || num_logged < 1) {
      continue;  // from an earlier configuration with another number of experts
    }
    map.columns.push_back({bucket << shift, int64_t{1} << shift, num_logged});
    append_mean(map.importance, *importance, num_logged);
    append_mean(map.load, *load, num_logged);
  }
  return map;
}

}  // namespace switchyard::storage
