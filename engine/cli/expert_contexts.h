#pragma once

#include <cstdint>
#include <string>

#include "cli/command.h"

namespace switchyard::cli {

/// The options of `switchyard experts DIR --contexts`.
struct ContextsRequest {
  bool is_wanted = false;
  std::string directory;  // of the run
  std::string layer;      // empty: all
  std::string split = "valid";
  int64_t max_words = 0;  // 0: all
  int64_t top = 10;
  int64_t window = 5;
  int64_t min_support = 5;
  int64_t checkpoint = -1;  // step; -1: newest
  int64_t expert = -1;      // -1: all, or the most telling ones if there are many
  std::string domains;
  std::string html;
};

/// Declares the options of --contexts.
void declare_contexts(OptionTable& options, ContextsRequest& request);

/// Throws Error(kInvalidArgument) if an option was given that only works with --contexts.
void require_no_contexts_option(const ContextsRequest& request);

/// Passes a split through the model of a checkpoint and shows the inputs of each expert.
/// Throws Error(kNotFound) if there is no such checkpoint, layer, split or expert, or no layer with
/// a gate; Error(kInvalidArgument) for invalid options or an invalid domain file.
process::ExitCode show_contexts(const CommandContext& context, const ContextsRequest& request);

}  // namespace switchyard::cli
