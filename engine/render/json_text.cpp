#include "render/json_text.h"

#include <nlohmann/json.hpp>

namespace switchyard::render {

using Json = nlohmann::ordered_json;

struct JsonObject::Impl {
  Json json = Json::object();
};

JsonObject::JsonObject() : impl_(std::make_unique<Impl>()) {
}
JsonObject::~JsonObject() = default;
JsonObject::JsonObject(JsonObject&&) noexcept = default;
JsonObject& JsonObject::operator=(JsonObject&&) noexcept = default;

JsonObject JsonObject::versioned() {
  JsonObject object;
  object.integer("schema", 1);
  return object;
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
  impl_->json[std::string(key)] = std::string(value);
  return *this;
}

JsonObject& JsonObject::integer(std::string_view key, int64_t value) {
  impl_->json[std::string(key)] = value;
  return *this;
}

JsonObject& JsonObject::number(std::string_view key, double value) {
  impl_->json[std::string(key)] = value;
  return *this;
}

JsonObject& JsonObject::flag(std::string_view key, bool value) {
  impl_->json[std::string(key)] = value;
  return *this;
}

JsonObject& JsonObject::null(std::string_view key) {
  impl_->json[std::string(key)] = nullptr;
  return *this;
}

JsonObject& JsonObject::texts(std::string_view key, const std::vector<std::string>& values) {
  impl_->json[std::string(key)] = values;
  return *this;
}

JsonObject& JsonObject::integers(std::string_view key, std::span<const int64_t> values) {
  impl_->json[std::string(key)] = Json(std::vector<int64_t>(values.begin(), values.end()));
  return *this;
}

JsonObject& JsonObject::numbers(std::string_view key, std::span<const float> values) {
  impl_->json[std::string(key)] = Json(std::vector<float>(values.begin(), values.end()));
  return *this;
}

JsonObject& JsonObject::object(std::string_view key, const JsonObject& value) {
  impl_->json[std::string(key)] = value.impl_->json;
  return *this;
}

JsonObject& JsonObject::objects(std::string_view key, const std::vector<JsonObject>& values) {
  Json list = Json::array();
  for (const JsonObject& value : values) {
    list.push_back(value.impl_->json);
  }
  impl_->json[std::string(key)] = std::move(list);
  return *this;
}

std::string JsonObject::line() const {
  return impl_->json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace switchyard::render
