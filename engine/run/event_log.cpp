#include "run/event_log.h"

#include <algorithm>
#include <checksum/crc32c.h>
#include <checksum/hex.h>
#include <cmath>
#include <cstdlib>
#include <figures/number_text.h>

#include "core/error.h"
#include "render/json_text.h"

namespace switchyard::run {
namespace {

constexpr std::string_view kCrcField = ",\"crc\":\"";
constexpr size_t kCrcDigits = 8;
constexpr std::string_view kOpened = "\"code\":\"database_opened\"";
constexpr std::string_view kClosed = "\"code\":\"database_closed\",\"bytes\":";

/// The end of a line whose other bytes are `body`.
std::string crc_field(std::string_view body) {
  return fmt::format("{}{}\"}}", kCrcField, checksum::hex(checksum::crc32c(body)));
}

bool is_whole(std::string_view line) {
  const size_t tail = kCrcField.size() + kCrcDigits + 2;
  if (line.size() < tail) {
    return false;
  }
  const std::string_view body = line.substr(0, line.size() - tail);
  return line.substr(body.size()) == crc_field(body);
}

render::JsonObject entry(const core::Clock& clock, std::string_view level, std::string_view code) {
  render::JsonObject object = render::JsonObject::versioned();
  object.text("utc", figures::iso_time(clock.utc_ns())).text("level", level).text("code", code);
  return object;
}

}  // namespace

std::string_view level_name(core::LogLevel level) {
  switch (level) {
    case core::LogLevel::kDebug:
      return "debug";
    case core::LogLevel::kInfo:
      return "info";
    case core::LogLevel::kWarning:
      return "warning";
    case core::LogLevel::kError:
      return "error";
  }
  return "";
}

EventLog::EventLog(const std::filesystem::path& file, const core::Clock& clock)
    : clock_(clock), stream_(file, std::ios::app) {
  if (!stream_) {
    core::fail(core::ErrorCode::kIo, "cannot open the log {} for writing", file.string());
  }
}

void EventLog::write(std::string line) {
  line.pop_back();  // the closing brace
  line += crc_field(line);
  const std::scoped_lock lock(mutex_);
  stream_.clear();  // after a full disk, try again
  stream_ << line << '\n' << std::flush;
}

std::vector<int64_t> damaged_log_lines(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    core::fail(core::ErrorCode::kIo, "cannot read the log {}", file.string());
  }
  std::vector<int64_t> damaged;
  int64_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    const bool is_torn = stream.eof();
    if (!is_torn && !is_whole(line)) {
      damaged.push_back(number);
    }
  }
  return damaged;
}

FileSum sum_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    core::fail(core::ErrorCode::kIo, "cannot read {}", file.string());
  }
  FileSum sum;
  checksum::Crc32c crc;
  std::vector<char> block(size_t{1} << 20U);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())),
         stream.gcount() > 0) {
    crc.update(block.data(), static_cast<size_t>(stream.gcount()));
    sum.bytes += stream.gcount();
  }
  sum.crc32c = crc.value();
  return sum;
}

std::optional<FileSum> recorded_database_sum(const std::filesystem::path& log) {
  std::ifstream stream(log, std::ios::binary);
  std::optional<FileSum> sum;
  for (std::string line; std::getline(stream, line);) {
    if (line.find(kOpened) != std::string::npos) {
      sum.reset();
    }
    const size_t fields = line.find(kClosed);
    if (fields != std::string::npos && is_whole(line)) {
      const char* number = line.c_str() + fields + kClosed.size();
      char* end = nullptr;
      FileSum found;
      found.bytes = std::strtoll(number, &end, 10);
      found.crc32c = static_cast<uint32_t>(
          std::strtoul(end + std::string_view(",\"crc32c\":\"").size(), nullptr, 16));
      sum = found;
    }
  }
  return sum;
}

void EventLog::database_opened() {
  write(entry(clock_, "info", "database_opened").line());
}

void EventLog::database_closed(const FileSum& sum) {
  write(entry(clock_, "info", "database_closed")
            .integer("bytes", sum.bytes)
            .text("crc32c", checksum::hex(sum.crc32c))
            .line());
}

void EventLog::say(core::LogLevel level, std::string_view who, std::string_view text) {
  write(entry(clock_, level_name(level), "log").text("who", who).text("message", text).line());
}

void EventLog::on_evaluation(const trainer::EvaluationReport& report) {
  write(entry(clock_, "info", "evaluation")
            .integer("step", report.step)
            .text("split", report.split)
            .number("nll_per_word", report.nll_per_word)
            .number("perplexity", std::exp(report.nll_per_word))
            .integer("words", report.num_words)
            .number("seconds", report.seconds)
            .line());
}

void EventLog::on_checkpoint(const trainer::CheckpointReport& report) {
  write(entry(clock_, "info", "checkpoint")
            .integer("step", report.step)
            .text("directory", report.directory)
            .integer("bytes", report.bytes)
            .texts("removed", report.removed)
            .line());
}

void EventLog::on_event(int64_t step, core::LogLevel level, std::string_view code,
                        std::string_view message) {
  write(
      entry(clock_, level_name(level), code).integer("step", step).text("message", message).line());
}

}  // namespace switchyard::run
