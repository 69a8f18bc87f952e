#include "trainer/trainer_state.h"

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace switchyard::trainer {

std::string TrainerState::to_json() const {
  nlohmann::ordered_json json;
  json["cursor"] = cursor.to_values();
  json["best_nll_per_word"] = best_nll_per_word;
  json["best_step"] = best_step;
  json["reductions"] = reductions;
  for (const ComponentRecord& record : components) {
    json["components"].push_back({{"name", record.name}, {"version", record.version}});
  }
  return json.dump(1);
}

TrainerState TrainerState::from_json(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto values = json.at("cursor").get<std::vector<int64_t>>();
    TrainerState state = {.cursor = data::DataCursor::from_values(values),
                          .best_nll_per_word = json.at("best_nll_per_word").get<double>(),
                          .best_step = json.at("best_step").get<int64_t>(),
                          .reductions = json.value("reductions", int64_t{0})};  // 0.1 wrote none
    for (const auto& record : json.value("components", nlohmann::json::array())) {
      state.components.push_back({.name = record.at("name").get<std::string>(),
                                  .version = record.at("version").get<uint32_t>()});
    }
    return state;
  } catch (const nlohmann::json::exception& e) {
    core::fail(core::ErrorCode::kDamaged, "state.json is not a trainer's state: {}", e.what());
  }
}

}  // namespace switchyard::trainer
