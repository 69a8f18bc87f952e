#include "sweep/sweep_state.h"

#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file_io.h"

namespace switchyard::sweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxBytes = 64 << 20;

Json to_json(const Evaluation& evaluation) {
  return {{"step", evaluation.step},
          {"words", evaluation.words},
          {"perplexity", evaluation.perplexity}};
}

Evaluation evaluation_of(const Json& json) {
  const Json& perplexity = json.at("perplexity");
  return {json.at("step").get<int64_t>(), json.at("words").get<int64_t>(),
          perplexity.is_null() ? std::numeric_limits<double>::infinity()  // JSON has no infinity
                               : perplexity.get<double>()};
}

RunRecord record_of(const Json& json) {
  RunRecord record;
  if (json.contains("valid")) {
    record.valid = evaluation_of(json.at("valid"));
  }
  if (json.contains("test")) {
    record.test = evaluation_of(json.at("test"));
  }
  record.failure = json.value("failure", "");
  return record;
}

}  // namespace

Evaluation parse_evaluation(const std::string& line) {
  try {
    return evaluation_of(Json::parse(line));
  } catch (const Json::exception& error) {
    core::fail(core::ErrorCode::kDamaged, "not a line of `switchyard eval --json`: {}",
               error.what());
  }
}

SweepState::SweepState(std::filesystem::path file) : file_(std::move(file)) {
  if (!std::filesystem::exists(file_)) {
    return;
  }
  core::PosixFileSystem files;
  const std::string text = core::read_file(files, file_, kMaxBytes);
  try {
    const Json whole = Json::parse(text);
    for (const auto& [name, json] : whole.at("runs").items()) {
      records_[name] = record_of(json);
    }
  } catch (const Json::exception& error) {
    core::fail(
        core::ErrorCode::kDamaged,
        "{} is not the state of a sweep ({}); remove it, and the sweep evaluates its runs again",
        file_.string(), error.what());
  }
}

RunRecord SweepState::record(const std::string& name) const {
  const auto found = records_.find(name);
  return found == records_.end() ? RunRecord{} : found->second;
}

void SweepState::set_record(const std::string& name, const RunRecord& record) {
  records_[name] = record;
  Json runs = Json::object();
  for (const auto& [one, kept] : records_) {
    Json& json = runs[one] = Json::object();
    if (kept.valid) {
      json["valid"] = to_json(*kept.valid);
    }
    if (kept.test) {
      json["test"] = to_json(*kept.test);
    }
    if (!kept.failure.empty()) {
      json["failure"] = kept.failure;
    }
  }
  const Json whole = {{"schema", 1}, {"runs", std::move(runs)}};
  const std::string text = whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  core::PosixFileSystem files;
  core::durable_write_file(files, file_, text);
}

}  // namespace switchyard::sweep
