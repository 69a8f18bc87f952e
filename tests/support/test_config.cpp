#include "tests/support/test_config.h"

#include <algorithm>
#include <sstream>

namespace switchyard::test {

namespace {

std::vector<double> parse_list(const char* text) {
  std::vector<double> values;
  std::istringstream in(text ? text : "");
  for (std::string part; std::getline(in, part, ',');) {
    values.push_back(std::stod(part));
  }
  return values;
}

template <typename Map>
auto lookup(const Map& map, const char* key) {
  const auto found = map.find(key);
  return found == map.end() ? typename Map::mapped_type{} : found->second;
}

}  // namespace

TestConfig::TestConfig(const sy_field* const* fields) : sy_config{} {
  struct_size = sizeof(sy_config);
  i64 = [](const sy_config* c, const char* key) {
    return static_cast<int64_t>(lookup(static_cast<const TestConfig*>(c)->numbers_, key));
  };
  f64 = [](const sy_config* c, const char* key) {
    return lookup(static_cast<const TestConfig*>(c)->numbers_, key);
  };
  str = [](const sy_config* c, const char* key) {
    const auto& texts = static_cast<const TestConfig*>(c)->texts_;
    const auto found = texts.find(key);
    return found == texts.end() ? "" : found->second.c_str();
  };
  list = [](const sy_config* c, const char* key, double* out, int32_t cap) {
    const auto values = lookup(static_cast<const TestConfig*>(c)->lists_, key);
    const auto length = static_cast<int32_t>(values.size());
    std::copy_n(values.begin(), std::min(length, cap), out);
    return length;
  };
  for (; fields && *fields; ++fields) {
    const sy_field& f = **fields;
    if (f.type == SY_T_STRING || f.type == SY_T_CHOICE) {
      texts_[f.key] = f.def_str;
    } else if (f.type == SY_T_INT_LIST || f.type == SY_T_FLOAT_LIST) {
      lists_[f.key] = parse_list(f.def_str);
    } else {
      numbers_[f.key] = f.def;
    }
  }
}

TestConfig& TestConfig::set(const std::string& key, double value) {
  numbers_[key] = value;
  return *this;
}
TestConfig& TestConfig::set_text(const std::string& key, const std::string& value) {
  texts_[key] = value;
  return *this;
}
TestConfig& TestConfig::set_list(const std::string& key, std::vector<double> value) {
  lists_[key] = std::move(value);
  return *this;
}

}  // namespace switchyard::test
