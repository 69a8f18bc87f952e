#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace switchyard::analysis {

/// Counts pairs (row, column) of tables that are too large to be held whole, such as experts x
/// words. Memory: 16 bytes per distinct pair. Threads: [inst].
class PairCounts {
 public:
  /// A pair and its count.
  struct Cell {
    int32_t row = 0;
    int32_t column = 0;
    int64_t count = 0;

    friend bool operator==(const Cell&, const Cell&) = default;
  };

  /// row and column must be 0 or more.
  void add(int32_t row, int32_t column);
  /// All pairs with a count, sorted by row, then by column. Valid until the next add().
  [[nodiscard]] std::span<const Cell> cells();

 private:
  void merge();

  std::vector<Cell> cells_;
  std::vector<uint64_t> pending_;  // row << 32 | column of pairs not yet in cells_
  std::vector<Cell> merged_;       // kept to reuse its memory
};

/// How closely the rows and columns of a table of counts are related. Entropies are in nats.
struct Association {
  int64_t total = 0;                // pairs counted
  double row_entropy = 0.0;         // H(R)
  double column_entropy = 0.0;      // H(C)
  double mutual_information = 0.0;  // I(R; C)
  /// mutual_information minus what a table of this size shows by chance (Miller and Madow); 0 or
  /// more.
  double corrected_information = 0.0;
  double purity = 0.0;  // share of pairs in the largest cell of their row

  /// 2 I / (H(R) + H(C)): 0 if rows and columns are independent, 1 if each determines the other.
  [[nodiscard]] double normalised_information() const;
};

/// Measures a table. `cells` must be sorted by row, as PairCounts returns them. An empty table
/// gives zeros.
///
///   I(R; C) = sum p(r,c) ln(p(r,c) / (p(r) p(c)))
///
/// Source of the correction: Miller 1955, "Note on the bias of information estimates": each entropy
/// is too small by (distinct values - 1) / (2 total).
[[nodiscard]] Association associate(std::span<const PairCounts::Cell> cells);

/// The entropy, in nats, of the distribution proportional to `counts`.
[[nodiscard]] double entropy(std::span<const int64_t> counts);

}  // namespace switchyard::analysis
