#include "analysis/memory_prediction.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace switchyard::analysis {
namespace {

// Measured with an empty model and a text of a few words.
constexpr double kProgramBytes = 36.0 * (1 << 20);

// A word in the vocabulary's list and hash table, including the overhead of malloc.
constexpr double kBytesPerWord = 128.0;

// The kernel maps this much of a file at a time.
constexpr double kBytesPerFault = 64.0 * 1024.0;
constexpr double kWordsPerSentence = 20.0;

double size_of_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return error ? 0.0 : static_cast<double>(bytes);
}

// Pages of the train split that are touched; sentences in random order touch all of them in time.
double text_bytes(const trainer::TrainerConfig& config) {
  if (config.data.path.empty()) {
    return 0.0;
  }
  const std::filesystem::path data = config.data.path;
  const double all = size_of_file(data / "train.tokens") + size_of_file(data / "train.index");
  const auto words = static_cast<double>(config.train.steps * config.data.batch_size *
                                         config.data.sequence_length);
  const double faults =
      config.data.shuffle ? words / kWordsPerSentence : words * sizeof(int32_t) / kBytesPerFault;
  return std::min(all, faults * kBytesPerFault);
}

}  // namespace

MemoryPrediction predict_memory(const trainer::TrainerConfig& config, int64_t vocab_size,
                                trainer::Learner& learner) {
  return {.learner = learner.predicted_memory(config.data.sequence_length),
          .data = text_bytes(config) + kBytesPerWord * static_cast<double>(vocab_size) +
                  learner.model().table_bytes(),
          .program = kProgramBytes};
}

}  // namespace switchyard::analysis
