#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "data/prepare.h"

namespace switchyard::data {

/// Runs `statement`, which must throw Error with this code and a message that holds `part`.
#define EXPECT_DATA_ERROR(statement, wanted_code, part)                                       \
  try {                                                                                       \
    statement;                                                                                \
    ADD_FAILURE() << "no error from " #statement;                                             \
  } catch (const core::Error& error) {                                                        \
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(wanted_code)) << error.what(); \
    EXPECT_THAT(error.what(), testing::HasSubstr(part));                                      \
  }

/// A directory of its own for each test, removed at the end.
class TextTest : public testing::Test {
 protected:
  TextTest() {
    std::string name = (std::filesystem::temp_directory_path() / "switchyard-data-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~TextTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::filesystem::path path(std::string_view name) const {
    return directory_ / name;
  }
  std::filesystem::path write(std::string_view name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  [[nodiscard]] static std::string read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  /// A data set with one train file only, at path(name).
  std::filesystem::path prepare_train(std::string_view name, std::string_view text,
                                      TextLayout layout = TextLayout::kLines) const {
    PrepareOptions options;
    options.train = {write(std::string(name) + ".txt", text)};
    options.layout = layout;
    options.output = path(name);
    (void)prepare(options);
    return options.output;
  }
  /// Changes one byte of a file.
  static void flip_byte(const std::filesystem::path& file, int64_t offset) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(offset);
    const auto byte = static_cast<char>(stream.get() ^ 0x40);
    stream.seekp(offset);
    stream.put(byte);
  }

 private:
  std::filesystem::path directory_;
};

/// "w1 w2 ..." lines of 1 to 7 words, all words different: word i says where it stands.
inline std::string numbered_text(int num_sentences) {
  std::string text;
  int word = 0;
  for (int s = 0; s < num_sentences; ++s) {
    for (int i = 0; i <= s * 5 % 7; ++i) {
      text += fmt::format("w{} ", word++);
    }
    text += "\n";
  }
  return text;
}

}  // namespace switchyard::data
