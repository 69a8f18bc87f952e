#include "analysis/pair_counts.h"

#include <algorithm>
#include <cmath>

namespace switchyard::analysis {

namespace {

constexpr size_t kMinPending = size_t{1} << 16U;

uint64_t key_of(int32_t row, int32_t column) {
  return static_cast<uint64_t>(static_cast<uint32_t>(row)) << 32U | static_cast<uint32_t>(column);
}

// The sum of counts c and of c ln c, which give the entropy:
//   H = ln n - (sum c ln c) / n
struct LogSum {
  int64_t total = 0;
  int64_t different = 0;
  double weighted_logs = 0.0;

  void add(int64_t count) {
    if (count > 0) {
      total += count;
      ++different;
      weighted_logs += static_cast<double>(count) * std::log(static_cast<double>(count));
    }
  }
  [[nodiscard]] double entropy() const {
    if (total == 0) {
      return 0.0;
    }
    const auto n = static_cast<double>(total);
    return std::max(0.0, std::log(n) - weighted_logs / n);
  }
};

}  // namespace

void PairCounts::add(int32_t row, int32_t column) {
  pending_.push_back(key_of(row, column));
  // At least half the table, so that all merges together take O(n log n).
  if (pending_.size() >= std::max(kMinPending, cells_.size() / 2)) {
    merge();
  }
}

std::span<const PairCounts::Cell> PairCounts::cells() {
  merge();
  return cells_;
}

void PairCounts::merge() {
  if (pending_.empty()) {
    return;
  }
  std::sort(pending_.begin(), pending_.end());
  merged_.clear();
  size_t old = 0;
  for (size_t i = 0; i < pending_.size();) {
    const uint64_t key = pending_[i];
    while (old < cells_.size() && key_of(cells_[old].row, cells_[old].column) < key) {
      merged_.push_back(cells_[old++]);
    }
    Cell cell = {.row = static_cast<int32_t>(key >> 32U), .column = static_cast<int32_t>(key)};
    if (old < cells_.size() && key_of(cells_[old].row, cells_[old].column) == key) {
      cell.count = cells_[old++].count;
    }
    for (; i < pending_.size() && pending_[i] == key; ++i) {
      ++cell.count;
    }
    merged_.push_back(cell);
  }
  merged_.insert(merged_.end(), cells_.begin() + static_cast<int64_t>(old), cells_.end());
  cells_.swap(merged_);
  pending_.clear();
}

double Association::normalised_information() const {
  const double sum = row_entropy + column_entropy;
  return sum > 0.0 ? 2.0 * mutual_information / sum : 0.0;
}

Association associate(std::span<const PairCounts::Cell> cells) {
  LogSum joint;
  LogSum rows;
  std::vector<int64_t> column_totals;
  int64_t in_largest_cells = 0;
  for (size_t begin = 0; begin < cells.size();) {
    int64_t row_total = 0;
    int64_t largest = 0;
    size_t i = begin;
    for (; i < cells.size() && cells[i].row == cells[begin].row; ++i) {
      const auto column = static_cast<size_t>(cells[i].column);
      column_totals.resize(std::max(column_totals.size(), column + 1));
      column_totals[column] += cells[i].count;
      row_total += cells[i].count;
      largest = std::max(largest, cells[i].count);
      joint.add(cells[i].count);
    }
    rows.add(row_total);
    in_largest_cells += largest;
    begin = i;
  }
  LogSum columns;
  for (const int64_t total : column_totals) {
    columns.add(total);
  }
  if (joint.total == 0) {
    return {};
  }
  const auto n = static_cast<double>(joint.total);
  const double excess =
      static_cast<double>(joint.different - rows.different - columns.different + 1) / (2.0 * n);
  Association found = {.total = joint.total,
                       .row_entropy = rows.entropy(),
                       .column_entropy = columns.entropy(),
                       .purity = static_cast<double>(in_largest_cells) / n};
  found.mutual_information =
      std::max(0.0, found.row_entropy + found.column_entropy - joint.entropy());
  found.corrected_information = std::max(0.0, found.mutual_information - std::max(0.0, excess));
  return found;
}

double entropy(std::span<const int64_t> counts) {
  LogSum sum;
  for (const int64_t count : counts) {
    sum.add(count);
  }
  return sum.entropy();
}

}  // namespace switchyard::analysis
