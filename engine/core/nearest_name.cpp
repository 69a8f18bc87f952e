#include "core/nearest_name.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace switchyard::core {
namespace {

constexpr size_t kMostNames = 3;
constexpr size_t kShortestPart = 3;

/// Optimal string alignment distance: letters inserted, deleted, replaced or swapped.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> two_ago(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) {
    previous[j] = j;
  }
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, previous[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], two_ago[j - 2] + 1);
      }
    }
    std::swap(two_ago, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

bool is_part(std::string_view part, std::string_view whole) {
  return part.size() >= kShortestPart && whole.find(part) != std::string_view::npos;
}

}  // namespace

std::vector<std::string> similar_names(std::string_view name,
                                       const std::vector<std::string>& known) {
  const size_t most_slips = name.size() < 5 ? 1 : 2;
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& other : known) {
    const size_t distance = edit_distance(name, other);
    if (distance <= most_slips || is_part(name, other)) {
      ranked.emplace_back(distance, other);
    }
  }
  // Of names that are equally near, the one that is listed first is the likeliest.
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& [distance, other] : ranked) {
    if (names.size() < kMostNames && std::find(names.begin(), names.end(), other) == names.end()) {
      names.push_back(std::move(other));
    }
  }
  return names;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const std::vector<std::string> names = similar_names(name, known);
  return names.empty() ? "" : fmt::format("; did you mean '{}'?", names.front());
}

}  // namespace switchyard::core
