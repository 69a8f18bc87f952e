#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace switchyard::render {

/// A JSON object on one line, with its fields in the order they were added. NaN and infinities
/// become null; bytes that are not UTF-8 become the replacement character.
class JsonObject {
 public:
  JsonObject();
  ~JsonObject();
  JsonObject(JsonObject&&) noexcept;
  JsonObject& operator=(JsonObject&&) noexcept;

  /// An object that starts with "schema": 1, like every line of `--json`.
  [[nodiscard]] static JsonObject versioned();

  JsonObject& text(std::string_view key, std::string_view value);
  JsonObject& integer(std::string_view key, int64_t value);
  JsonObject& number(std::string_view key, double value);
  JsonObject& flag(std::string_view key, bool value);
  JsonObject& null(std::string_view key);
  JsonObject& texts(std::string_view key, const std::vector<std::string>& values);
  JsonObject& integers(std::string_view key, std::span<const int64_t> values);
  JsonObject& numbers(std::string_view key, std::span<const float> values);
  JsonObject& object(std::string_view key, const JsonObject& value);
  JsonObject& objects(std::string_view key, const std::vector<JsonObject>& values);

  /// The object as one line, without the line end.
  [[nodiscard]] std::string line() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace switchyard::render
