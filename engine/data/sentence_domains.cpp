#include "data/sentence_domains.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/rng.h"
#include "data/mapped_file.h"
#include "data/utf8.h"
#include "data/vocabulary.h"

namespace switchyard::data {

namespace {

struct Range {
  int64_t first = 0;  // from 1
  int64_t count = 0;
  std::string_view name;
};

// Parses a positive integer; 0 if the text is not one.
int64_t number_of(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value > 0 ? value : 0;
}

Range range_of(std::string_view line, const std::string& place) {
  const size_t first_tab = line.find('\t');
  const size_t second_tab =
      first_tab == std::string_view::npos ? std::string_view::npos : line.find('\t', first_tab + 1);
  core::require(second_tab != std::string_view::npos && second_tab + 1 < line.size(),
                "{}: a line must be FIRST TAB SENTENCES TAB NAME, got '{}'", place, line);
  const Range range = {.first = number_of(line.substr(0, first_tab)),
                       .count = number_of(line.substr(first_tab + 1, second_tab - first_tab - 1)),
                       .name = line.substr(second_tab + 1)};
  core::require(range.first > 0 && range.count > 0,
                "{}: the first sentence and the number of sentences must be whole numbers from 1 "
                "on, got '{}'",
                place, line);
  core::require(find_invalid_utf8(range.name) == range.name.size(),
                "{}: the name must be UTF-8; convert the file with `iconv -t UTF-8`", place);
  return range;
}

}  // namespace

SentenceDomains SentenceDomains::parse(std::string_view text, std::string_view where,
                                       int64_t num_sentences) {
  SentenceDomains domains;
  domains.of_sentences_.assign(static_cast<size_t>(num_sentences), kNone);
  std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>> numbers;
  int64_t line_number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++line_number;
    line.remove_suffix(line.ends_with('\r') ? 1 : 0);
    if (line.empty() || line.front() == '#') {
      continue;
    }
    const std::string place = fmt::format("{}:{}", where, line_number);
    const Range range = range_of(line, place);
    core::require(
        range.first <= num_sentences && range.count <= num_sentences - range.first + 1,
        "{}: the range must end within the split's {} sentences, got {} sentences from {} on",
        place, num_sentences, range.count, range.first);
    const auto [entry, is_new] =
        numbers.try_emplace(std::string(range.name), static_cast<int32_t>(domains.names_.size()));
    if (is_new) {
      domains.names_.emplace_back(range.name);
    }
    const auto begin = domains.of_sentences_.begin() + range.first - 1;
    const auto taken =
        std::find_if(begin, begin + range.count, [](int32_t d) { return d != kNone; });
    core::require(
        taken == begin + range.count,
        "{}: sentence {} is in a range of an earlier line already; a sentence may have one domain",
        place, taken - domains.of_sentences_.begin() + 1);
    std::fill_n(begin, range.count, entry->second);
  }
  core::require(!domains.names_.empty(),
                "{}: must name at least one range of sentences, FIRST TAB SENTENCES TAB NAME",
                where);
  return domains;
}

SentenceDomains SentenceDomains::read(const std::filesystem::path& file, int64_t num_sentences) {
  return parse(MappedFile(file).text(), file.string(), num_sentences);
}

std::vector<int32_t> SentenceDomains::shuffled(int64_t count, uint64_t seed) const {
  std::vector<int32_t> dealt = of_sentences_;
  std::vector<size_t> places;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    if (dealt[i] != kNone) {
      places.push_back(i);
    }
  }
  const core::RngKey key =
      core::rng_key(seed, "sentence_domains", static_cast<uint32_t>(core::RngPurpose::kShuffle));
  for (size_t left = places.size(); left > 1; --left) {
    // Fisher and Yates; the bias of a 32-bit word is below 1e-3 up to four million sentences.
    const uint64_t word = core::random_word(key, {}, left);
    std::swap(dealt[places[left - 1]], dealt[places[word * left >> 32U]]);
  }
  return dealt;
}

}  // namespace switchyard::data
