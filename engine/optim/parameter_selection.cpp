#include "optim/parameter_selection.h"

#include <algorithm>

namespace switchyard::optim {

bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t after_star = std::string_view::npos;  // in the pattern, behind the last star
  size_t taken = 0;                            // in the name, what that star has taken
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      taken = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (after_star != std::string_view::npos) {
      p = after_star;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool ParameterSelection::selects(const tensor::Parameter& parameter) const {
  const bool has_role =
      roles.empty() || std::find(roles.begin(), roles.end(), parameter.role) != roles.end();
  return has_role && (match.empty() || matches(match, parameter.name));
}

std::string ParameterSelection::text() const {
  std::string text;
  for (const tensor::Role role : roles) {
    text += text.empty() ? "role " : " or ";
    text += tensor::name_of(role);
  }
  if (!match.empty()) {
    text += (text.empty() ? "name '" : ", name '") + match + "'";
  }
  return text.empty() ? "any" : text;
}

}  // namespace switchyard::optim
