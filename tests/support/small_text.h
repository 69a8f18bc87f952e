#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "data/prepare.h"

namespace switchyard::tests {

/// A data set of short, regular sentences in `directory`/data, with all three splits.
inline std::filesystem::path small_dataset(const std::filesystem::path& directory,
                                           const std::string& seventh_word = "river") {
  const std::filesystem::path text = directory / (seventh_word + ".txt");
  const std::string subjects[] = {"the cat", "a dog", "the old man", "my friend", "one bird"};
  const std::string verbs[] = {"sees", "likes", "finds", "hears"};
  const std::string objects[] = {"the house",  "a tree",   "the " + seventh_word,
                                 "some water", "no sound", "his hat"};
  std::ofstream out(text);
  for (int i = 0; i < 600; ++i) {
    out << subjects[i % 5] << ' ' << verbs[(i / 2) % 4] << ' ' << objects[(i * 7) % 6] << " .\n";
  }
  out.close();
  (void)data::prepare({.text = {text},
                       .blocks = {.lines = 10, .period = 10, .valid_block = 4, .test_block = 9},
                       .output = directory / ("data-" + seventh_word)});
  return directory / ("data-" + seventh_word);
}

}  // namespace switchyard::tests
