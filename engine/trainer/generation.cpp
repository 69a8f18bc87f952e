#include "trainer/generation.h"

#include "core/rng.h"
#include "trainer/text_sampler.h"

namespace switchyard::trainer {

void generate(Learner& learner, const data::Dataset& dataset, bool reset_state,
              const GenerateOptions& options, const std::function<void(std::string_view)>& word) {
  const data::Vocabulary& vocabulary = dataset.vocabulary();
  auto text = learner.begin_decoding(1);
  const auto logits_after = [&](int32_t token) { return learner.decode(*text, {&token, 1}); };
  const core::RngKey key =
      core::rng_key(options.seed, "generate", static_cast<uint32_t>(core::RngPurpose::kSample));
  tensor::Tensor logits = logits_after(data::Vocabulary::kSentenceMark);
  for (const int32_t given : dataset.encode(options.prompt)) {
    word(vocabulary.word(given));
    logits = logits_after(given);
  }
  for (int64_t i = 0; i < options.max_words; ++i) {
    const double uniform = core::unit_float(core::random_word(key, {}, static_cast<uint64_t>(i)));
    const int32_t token =
        sample_word(learner.device().read_back<float>(logits),
                    {.temperature = options.temperature, .top_k = options.top_k}, uniform);
    word(vocabulary.word(token));
    const bool at_end = token == data::Vocabulary::kSentenceMark;
    if (at_end && !options.past_end) {
      return;
    }
    if (at_end && reset_state) {
      text = learner.begin_decoding(1);
    }
    logits = logits_after(token);
  }
}

}  // namespace switchyard::trainer
