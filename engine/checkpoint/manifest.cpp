#include "checkpoint/manifest.h"

#include <algorithm>
#include <charconv>
#include <checksum/hex.h>
#include <checksum/sha256.h>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace switchyard::checkpoint {

namespace {

using core::ErrorCode;
using core::fail;
using nlohmann::json;

constexpr std::string_view kFormat = "switchyard-checkpoint";
constexpr int64_t kFormatVersion = 1;
constexpr std::string_view kSealBegin = ",\n  \"sha256\": \"";
constexpr std::string_view kSealEnd = "\"\n}\n";
constexpr size_t kDigestDigits = 64;

json plugin_json(const PluginIdentity& plugin) {
  return {{"id", plugin.id},
          {"kind", plugin.kind},
          {"sha256", plugin.sha256},
          {"version", plugin.version}};
}

// The text without its seal. Throws Error(kDamaged) if the seal is missing or wrong.
std::string unsealed(std::string_view text, std::string_view where) {
  const size_t seal = kSealBegin.size() + kDigestDigits + kSealEnd.size();
  const bool has_seal = text.size() > seal && text.ends_with(kSealEnd) &&
                        text.substr(text.size() - seal).starts_with(kSealBegin);
  if (!has_seal) {
    fail(ErrorCode::kDamaged, "{}: the manifest must end with its sha256, it does not", where);
  }
  std::string body(text.substr(0, text.size() - seal));
  body += "\n}";
  const std::string_view given =
      text.substr(text.size() - kSealEnd.size() - kDigestDigits, kDigestDigits);
  const std::string found = checksum::hex(checksum::sha256(body));
  if (found != given) {
    fail(ErrorCode::kDamaged, "{}: the manifest says sha256 {}, its text has {}", where, given,
         found);
  }
  return body;
}

uint32_t parse_checksum(const std::string& digits, std::string_view where) {
  uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || digits.size() != 8 || end != digits.data() + digits.size()) {
    fail(ErrorCode::kDamaged, "{}: crc32c must be 8 hexadecimal digits, got '{}'", where, digits);
  }
  return value;
}

Manifest from_json(const json& root, std::string_view where) {
  Manifest manifest;
  manifest.step = root.at("step").get<int64_t>();
  manifest.engine_version = root.at("engine_version").get<std::string>();
  manifest.config_sha256 = root.at("config_sha256").get<std::string>();
  manifest.data_hash = root.at("data_hash").get<std::string>();
  manifest.vocabulary_hash = root.at("vocabulary_hash").get<std::string>();
  for (const json& plugin : root.at("plugins")) {
    manifest.plugins.push_back({.kind = plugin.at("kind").get<std::string>(),
                                .id = plugin.at("id").get<std::string>(),
                                .version = plugin.at("version").get<std::string>(),
                                .sha256 = plugin.at("sha256").get<std::string>()});
  }
  for (const auto& [name, sum] : root.at("files").items()) {
    manifest.files[name] = {.bytes = sum.at("bytes").get<int64_t>(),
                            .crc32c = parse_checksum(sum.at("crc32c").get<std::string>(), where)};
  }
  return manifest;
}

void check_values(const Manifest& manifest, std::string_view where) {
  if (manifest.step < 0) {
    fail(ErrorCode::kDamaged, "{}: step must be 0 or more, got {}", where, manifest.step);
  }
  const bool is_complete = std::ranges::all_of(
      kListedFiles, [&](std::string_view name) { return manifest.files.contains(name); });
  if (!is_complete || manifest.files.size() != kListedFiles.size()) {
    fail(ErrorCode::kDamaged,
         "{}: the manifest must list exactly the {} files of a checkpoint, it lists {} names",
         where, kListedFiles.size(), manifest.files.size());
  }
  for (const auto& [name, sum] : manifest.files) {
    if (sum.bytes < 0) {
      fail(ErrorCode::kDamaged, "{}: '{}' cannot have {} bytes", where, name, sum.bytes);
    }
  }
}

}  // namespace

int64_t Manifest::bytes() const {
  int64_t total = 0;
  for (const auto& [name, sum] : files) {
    total += sum.bytes;
  }
  return total;
}

std::string manifest_text(const Manifest& manifest) {
  json plugins = json::array();
  for (const PluginIdentity& plugin : manifest.plugins) {
    plugins.push_back(plugin_json(plugin));
  }
  json sums = json::object();
  for (const auto& [name, sum] : manifest.files) {
    sums[name] = {{"bytes", sum.bytes}, {"crc32c", checksum::hex(sum.crc32c)}};
  }
  const json root = {{"config_sha256", manifest.config_sha256},
                     {"data_hash", manifest.data_hash},
                     {"engine_version", manifest.engine_version},
                     {"files", std::move(sums)},
                     {"format", kFormat},
                     {"format_version", kFormatVersion},
                     {"plugins", std::move(plugins)},
                     {"step", manifest.step},
                     {"vocabulary_hash", manifest.vocabulary_hash}};
  try {
    std::string body = root.dump(2);
    const std::string digest = checksum::hex(checksum::sha256(body));
    body.resize(body.size() - 2);  // the closing "\n}" comes after the seal
    return body + std::string(kSealBegin) + digest + std::string(kSealEnd);
  } catch (const json::exception& error) {
    fail(ErrorCode::kInvalidArgument, "manifest_text: hashes and plugin names must be UTF-8: {}",
         error.what());
  }
}

Manifest parse_manifest(std::string_view text, std::string_view where) {
  const std::string body = unsealed(text, where);
  try {
    const json root = json::parse(body);
    if (root.at("format") != kFormat) {
      fail(ErrorCode::kDamaged, "{}: format must be {}", where, kFormat);
    }
    const auto version = root.at("format_version").get<int64_t>();
    if (version != kFormatVersion) {
      fail(ErrorCode::kUnsupported,
           "{}: this engine reads checkpoints of format version {}, this has {}; use the engine "
           "that wrote it",
           where, kFormatVersion, version);
    }
    Manifest manifest = from_json(root, where);
    check_values(manifest, where);
    return manifest;
  } catch (const json::exception& error) {
    fail(ErrorCode::kDamaged, "{}: not a manifest: {}", where, error.what());
  }
}

}  // namespace switchyard::checkpoint
