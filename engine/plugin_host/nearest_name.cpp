#include "plugin_host/nearest_name.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace switchyard::plugin_host {

namespace {

// Levenshtein's distance: the fewest letters to insert, delete or replace.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> similar_names(std::string_view name,
                                       const std::vector<std::string>& known) {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& other : known) {
    const size_t distance = edit_distance(name, other);
    const bool contained =
        name.size() >= 3 && other.size() >= 3 &&
        (other.find(name) != std::string::npos || name.find(other) != std::string_view::npos);
    if (contained || distance * 2 <= std::max<size_t>(name.size(), 2)) {
      ranked.emplace_back(distance, other);
    }
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> names;
  for (const auto& [distance, other] : ranked) {
    if (names.size() < 3 && std::find(names.begin(), names.end(), other) == names.end()) {
      names.push_back(other);
    }
  }
  return names;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::vector<std::string> similar = similar_names(name, known);
  return similar.empty() ? "" : " (did you mean '" + similar.front() + "'?)";
}

}  // namespace switchyard::plugin_host
