#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace switchyard::analysis {

/// How often each pair (row, column) came, for tables that are far too large to be held whole, such
/// as experts x words. Memory: 16 bytes per different pair. Threads: [inst].
class PairCounts {
 public:
  struct Cell {
    int32_t row = 0;
    int32_t column = 0;
    int64_t count = 0;

    friend bool operator==(const Cell&, const Cell&) = default;
  };

  /// row and column must be 0 or more.
  void add(int32_t row, int32_t column);
  /// The pairs that came at all, sorted by row, then by column; valid until the next add().
  [[nodiscard]] std::span<const Cell> cells();

 private:
  void merge();

  std::vector<Cell> cells_;
  std::vector<uint64_t> pending_;  // row << 32 | column of what is not in cells_ yet
  std::vector<Cell> merged_;       // kept for its memory
};

/// How closely rows and columns of a table of counts hang together. Entropies in nats.
struct Association {
  int64_t total = 0;                // pairs counted
  double row_entropy = 0.0;         // H(R)
  double column_entropy = 0.0;      // H(C)
  double mutual_information = 0.0;  // I(R; C)
  /// The same less what a table of this size shows by chance (Miller and Madow), at least 0.
  double corrected_information = 0.0;
  double purity = 0.0;  // share of the pairs that lie in the largest cell of their row

  /// 2 I / (H(R) + H(C)): 0 if neither tells of the other, 1 if each names the other.
  [[nodiscard]] double normalised_information() const;
};

/// `cells` sorted by row, as PairCounts gives them. An empty table has zeros.
///
///   I(R; C) = sum p(r,c) ln(p(r,c) / (p(r) p(c)))
///
/// Source of the correction: Miller 1955, "Note on the bias of information estimates":
/// each entropy is too small by (different values - 1) / (2 total).
[[nodiscard]] Association associate(std::span<const PairCounts::Cell> cells);

/// Entropy in nats of the distribution that the counts are in proportion to.
[[nodiscard]] double entropy(std::span<const int64_t> counts);

}  // namespace switchyard::analysis
