#include "ops/linalg/tiles_avx512.h"

namespace switchyard::ops::linalg {

const TileSet& avx512_tiles() {
  static constexpr TileSet kTiles =
      tile_set<F32Entries>(std::make_integer_sequence<int, kTileRows>());
  return kTiles;
}

}  // namespace switchyard::ops::linalg
