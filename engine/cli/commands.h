#pragma once

#include <memory>
#include <vector>

#include "cli/command.h"

namespace switchyard::cli {

// One function per subcommand, each in a file of its name.
[[nodiscard]] std::unique_ptr<Command> make_prepare_command();
[[nodiscard]] std::unique_ptr<Command> make_train_command();
[[nodiscard]] std::unique_ptr<Command> make_resume_command();
[[nodiscard]] std::unique_ptr<Command> make_sweep_command();
[[nodiscard]] std::unique_ptr<Command> make_eval_command();
[[nodiscard]] std::unique_ptr<Command> make_generate_command();
[[nodiscard]] std::unique_ptr<Command> make_describe_command();
[[nodiscard]] std::unique_ptr<Command> make_plugins_command();
[[nodiscard]] std::unique_ptr<Command> make_runs_command();
[[nodiscard]] std::unique_ptr<Command> make_tail_command();
[[nodiscard]] std::unique_ptr<Command> make_experts_command();
[[nodiscard]] std::unique_ptr<Command> make_export_command();
[[nodiscard]] std::unique_ptr<Command> make_verify_command();
[[nodiscard]] std::unique_ptr<Command> make_doctor_command();
[[nodiscard]] std::unique_ptr<Command> make_config_command();
[[nodiscard]] std::unique_ptr<Command> make_bench_command();
[[nodiscard]] std::unique_ptr<Command> make_completion_command();

/// All subcommands in the order in which `switchyard --help` lists them.
[[nodiscard]] std::vector<std::unique_ptr<Command>> make_commands();

}  // namespace switchyard::cli
