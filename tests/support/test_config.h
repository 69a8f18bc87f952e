#pragma once

#include <map>
#include <string>
#include <vector>

#include <switchyard/config.h>

namespace switchyard::test {

/// Values of a configuration on top of a schema's defaults. The host's own checks are not made
/// here.
class TestConfig : public sy_config {
 public:
  explicit TestConfig(const sy_field* const* fields);
  TestConfig& set(const std::string& key, double value);
  TestConfig& set_text(const std::string& key, const std::string& value);
  TestConfig& set_list(const std::string& key, std::vector<double> value);

 private:
  std::map<std::string, double> numbers_;
  std::map<std::string, std::string> texts_;
  std::map<std::string, std::vector<double>> lists_;
};

}  // namespace switchyard::test
