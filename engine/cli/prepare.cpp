#include "data/prepare.h"

#include <csignal>
#include <figures/number_text.h>
#include <memory>

#include <fmt/ostream.h>

#include "cli/commands.h"
#include "core/error.h"
#include "process/signal_watcher.h"
#include "render/json_text.h"

namespace switchyard::cli {
namespace {

std::vector<std::filesystem::path> paths_of(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

class PrepareCommand : public Command {
 public:
  [[nodiscard]] std::string name() const override { return "prepare"; }
  [[nodiscard]] std::string summary() const override { return "Turn text into a data set"; }
  [[nodiscard]] std::string examples() const override {
    return "  switchyard prepare book.txt --out data/book\n"
           "  switchyard prepare --train a.txt --valid b.txt --test c.txt --out data/abc\n"
           "  switchyard prepare corpus-*.txt --out data/news --vocabulary 50000 --lower-case\n"
           "  switchyard prepare ptb.txt --out data/ptb --tokenizer blanks";
  }
  void declare(OptionTable& options) override {
    options.list("TEXT", text_, "UTF-8 text, cut into train, valid and test by blocks of lines",
                 ValueKind::kFile);
    options.list("--train", train_, "text of the train split, instead of TEXT", ValueKind::kFile);
    options.list("--valid", valid_, "text of the valid split", ValueKind::kFile);
    options.list("--test", test_, "text of the test split", ValueKind::kFile);
    options.option("--out", output_, "directory of the data set", ValueKind::kDirectory,
                   Need::kRequired);
    options.choice("--layout", layout_,
                   "one sentence per line without or with empty lines, or paragraphs [lines]",
                   {"lines", "every-line", "running"}, Need::kOptional);
    options.choice("--tokenizer", tokenizer_,
                   "separate words and punctuation, or split at blanks [words]",
                   {"words", "blanks"}, Need::kOptional);
    options.flag("--lower-case", lower_case_, "fold the case of all words");
    options.integer(
        "--vocabulary", vocab_size_,
        "number of most frequent words to keep; others become <unk> [all, at most 30000]");
    options.option("--vocabulary-from", vocabulary_from_,
                   "data set whose vocabulary and tokenizer to use", ValueKind::kDirectory,
                   Need::kOptional);
    options.flag("--overwrite", overwrite_, "replace the data set in --out");
  }
  process::ExitCode run(const CommandContext& context) override {
    core::CancelToken cancel;
    const process::SignalWatcher signals(cancel, {});
    const data::PrepareOptions options = prepare_options();
    const auto progress = [&](const data::PrepareProgress& now) { show(context.console, now); };
    const data::Manifest manifest = data::prepare(options, progress, &cancel);
    finish_progress(context.console);
    context.is_json ? print_json(context.console, manifest) : print_text(context.console, manifest);
    return process::ExitCode::kOk;
  }

 private:
  [[nodiscard]] data::PrepareOptions prepare_options() const {
    data::PrepareOptions options;
    options.text = paths_of(text_);
    options.train = paths_of(train_);
    options.valid = paths_of(valid_);
    options.test = paths_of(test_);
    options.layout = data::text_layout_of(layout_);
    if (!tokenizer_.empty() || lower_case_) {
      data::TokenizerOptions tokenizer;
      tokenizer.kind = data::tokenizer_kind_of(tokenizer_.empty() ? "words" : tokenizer_);
      tokenizer.lower_case = lower_case_;
      options.tokenizer = tokenizer;
    }
    options.vocab_size = vocab_size_;
    options.vocabulary_from = vocabulary_from_;
    options.output = output_;
    options.overwrite = overwrite_;
    return options;
  }

  void show(render::Console& console, const data::PrepareProgress& now) {
    if (console.err_terminal.animates && now.total > 0) {
      fmt::print(console.err, "\r{} {} %\x1b[K", now.phase, now.done * 100 / now.total);
      console.err.flush();
      is_shown_ = true;
    }
  }

  void finish_progress(render::Console& console) const {
    if (is_shown_) {
      console.err << "\r\x1b[K" << std::flush;
    }
  }

  void print_json(render::Console& console, const data::Manifest& manifest) const {
    std::vector<render::JsonObject> splits;
    for (const data::SplitInfo& split : manifest.splits) {
      render::JsonObject object;
      object.text("name", split.name)
          .integer("sentences", split.num_sentences)
          .integer("tokens", split.num_tokens)
          .number("oov_rate", split.oov_rate());
      splits.push_back(std::move(object));
    }
    console.out << render::JsonObject::versioned()
                       .text("directory", output_)
                       .integer("vocabulary", manifest.vocab_size)
                       .objects("splits", splits)
                       .text("data_hash", manifest.data_hash)
                       .line()
                << '\n';
  }

  void print_text(render::Console& console, const data::Manifest& manifest) const {
    std::vector<std::vector<std::string>> rows = {{"SPLIT", "SENTENCES", "TOKENS", "UNKNOWN"}};
    for (const data::SplitInfo& split : manifest.splits) {
      rows.push_back({split.name, figures::grouped(split.num_sentences),
                      figures::grouped(split.num_tokens),
                      fmt::format("{:.2f} %", 100.0 * split.oov_rate())});
    }
    fmt::print(console.out, "{}{} words in the vocabulary\n", figures::table_text(rows, {1, 2, 3}),
               figures::grouped(manifest.vocab_size));
    fmt::print(console.err,
               "wrote {0}; next: switchyard train CONFIG --run DIR --set data.path={0}\n", output_);
  }

  std::vector<std::string> text_;
  std::vector<std::string> train_;
  std::vector<std::string> valid_;
  std::vector<std::string> test_;
  std::string output_;
  std::string layout_ = "lines";
  std::string tokenizer_;
  bool lower_case_ = false;
  int64_t vocab_size_ = 0;
  std::string vocabulary_from_;
  bool overwrite_ = false;
  bool is_shown_ = false;
};

}  // namespace

std::unique_ptr<Command> make_prepare_command() {
  return std::make_unique<PrepareCommand>();
}

}  // namespace switchyard::cli
