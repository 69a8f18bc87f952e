#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "core/function_ref.h"
#include "data/manifest.h"
#include "data/mapped_file.h"

namespace switchyard::data {

/// One sentence of a text file.
struct TextSentence {
  std::string_view text;   // lives as long as the reader
  int64_t line = 0;        // its first line, from 0
  int64_t bytes_read = 0;  // of the file, up to the end of the sentence
};

/// Cuts a UTF-8 text file into sentences. Lines end with LF or CR LF; a byte order mark is skipped;
/// lines of white space hold no sentence, or with kEveryLine one without words. Threads: [inst].
class SentenceReader {
 public:
  /// Throws Error(kNotFound) or Error(kIo) if the file cannot be read, Error(kInvalidArgument) if
  /// it is empty or not UTF-8 (with line and byte offset).
  SentenceReader(const std::filesystem::path& path, TextLayout layout);

  [[nodiscard]] int64_t num_bytes() const { return static_cast<int64_t>(file_.bytes().size()); }
  [[nodiscard]] int64_t num_lines() const { return num_lines_; }
  /// Calls `sentence` for all sentences in order.
  void read(core::FunctionRef<void(const TextSentence&)> sentence) const;

 private:
  TextLayout layout_;
  MappedFile file_;
  int64_t num_lines_ = 0;
};

}  // namespace switchyard::data
