#include "data/manifest.h"

#include <checksum/hex.h>
#include <checksum/sha256.h>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace switchyard::data {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "switchyard-dataset";

Json json_of(const SplitInfo& split) {
  return {{"name", split.name},
          {"sentences", split.num_sentences},
          {"tokens", split.num_tokens},
          {"unknown", split.num_unknown},
          {"oov_rate", split.oov_rate()},
          {"tokens_sha256", split.tokens_sha256},
          {"index_sha256", split.index_sha256}};
}

SplitInfo split_of(const Json& json) {
  const auto name = json.at("name").get<std::string>();
  core::require(name == "train" || name == "valid" || name == "test",
                "a split must be train, valid or test, got \"{}\"", name);
  return {.name = name,
          .num_sentences = json.at("sentences").get<int64_t>(),
          .num_tokens = json.at("tokens").get<int64_t>(),
          .num_unknown = json.at("unknown").get<int64_t>(),
          .tokens_sha256 = json.at("tokens_sha256").get<std::string>(),
          .index_sha256 = json.at("index_sha256").get<std::string>()};
}

Manifest manifest_of(const Json& json, std::string_view where) {
  if (json.at("format").get<std::string>() != kFormat) {
    core::fail(core::ErrorCode::kDamaged, "{}: is not the manifest of a data set", where);
  }
  const auto version = json.at("format_version").get<int64_t>();
  if (version != Manifest::kFormatVersion) {
    core::fail(core::ErrorCode::kUnsupported,
               "{}: has format version {}, this program reads {}; prepare the data again", where,
               version, Manifest::kFormatVersion);
  }
  Manifest manifest;
  manifest.layout = text_layout_of(json.at("layout").get<std::string>());
  manifest.tokenizer = {
      .kind = tokenizer_kind_of(json.at("tokenizer").at("kind").get<std::string>()),
      .lower_case = json.at("tokenizer").at("lower_case").get<bool>()};
  manifest.sources = json.at("sources").get<std::vector<std::string>>();
  manifest.vocab_size = json.at("vocabulary").at("size").get<int64_t>();
  manifest.vocabulary_sha256 = json.at("vocabulary").at("sha256").get<std::string>();
  for (const Json& split : json.at("splits")) {
    manifest.splits.push_back(split_of(split));
  }
  manifest.data_hash = json.at("data_hash").get<std::string>();
  return manifest;
}

}  // namespace

std::string_view name_of(TextLayout layout) {
  switch (layout) {
    case TextLayout::kLines:
      return "lines";
    case TextLayout::kEveryLine:
      return "every-line";
    case TextLayout::kRunning:
      return "running";
  }
  return "";
}

TextLayout text_layout_of(std::string_view name) {
  for (const TextLayout layout :
       {TextLayout::kLines, TextLayout::kEveryLine, TextLayout::kRunning}) {
    if (name == name_of(layout)) {
      return layout;
    }
  }
  core::fail(core::ErrorCode::kInvalidArgument,
             "layout: must be \"lines\" or \"running\", got \"{}\"", name);
}

double SplitInfo::oov_rate() const {
  const int64_t words = num_tokens - num_sentences;
  return words > 0 ? static_cast<double>(num_unknown) / static_cast<double>(words) : 0.0;
}

std::string Manifest::compute_data_hash() const {
  checksum::Sha256 sha256;
  sha256.update(fmt::format("{}/{}\n{} {} {}\n{} {}\n", kFormat, kFormatVersion, name_of(layout),
                            data::name_of(tokenizer.kind), tokenizer.lower_case ? 1 : 0, vocab_size,
                            vocabulary_sha256));
  for (const SplitInfo& split : splits) {
    sha256.update(fmt::format("{} {} {} {} {} {}\n", split.name, split.num_sentences,
                              split.num_tokens, split.num_unknown, split.tokens_sha256,
                              split.index_sha256));
  }
  return checksum::hex(sha256.finish());
}

std::string Manifest::to_json() const {
  Json json = {{"format", kFormat},
               {"format_version", kFormatVersion},
               {"layout", name_of(layout)},
               {"tokenizer",
                {{"kind", data::name_of(tokenizer.kind)}, {"lower_case", tokenizer.lower_case}}},
               {"sources", sources},
               {"vocabulary", {{"size", vocab_size}, {"sha256", vocabulary_sha256}}},
               {"splits", Json::array()},
               {"data_hash", data_hash}};
  for (const SplitInfo& split : splits) {
    json["splits"].push_back(json_of(split));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Manifest Manifest::parse(std::string_view json, std::string_view where) {
  Manifest manifest;
  try {
    manifest = manifest_of(Json::parse(json), where);
  } catch (const nlohmann::json::exception& error) {
    core::fail(core::ErrorCode::kDamaged,
               "{}: is not the manifest of a data set: {}; prepare the data again", where,
               error.what());
  } catch (const core::Error& error) {
    if (error.code() != core::ErrorCode::kInvalidArgument) {
      throw;
    }
    core::fail(core::ErrorCode::kDamaged, "{}: {}; prepare the data again", where, error.what());
  }
  if (manifest.data_hash != manifest.compute_data_hash()) {
    core::fail(core::ErrorCode::kDamaged,
               "{}: was changed: data_hash is not that of its entries; prepare the data again",
               where);
  }
  return manifest;
}

bool is_dataset_directory(const std::filesystem::path& directory) {
  std::ifstream file(directory / "manifest.json");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return text.find(kFormat) != std::string::npos;
}

}  // namespace switchyard::data
