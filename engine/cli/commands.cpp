#include "cli/commands.h"

namespace switchyard::cli {

std::vector<std::unique_ptr<Command>> make_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_prepare_command());
  commands.push_back(make_train_command());
  commands.push_back(make_resume_command());
  commands.push_back(make_sweep_command());
  commands.push_back(make_eval_command());
  commands.push_back(make_generate_command());
  commands.push_back(make_describe_command());
  commands.push_back(make_runs_command());
  commands.push_back(make_tail_command());
  commands.push_back(make_experts_command());
  commands.push_back(make_export_command());
  commands.push_back(make_verify_command());
  commands.push_back(make_plugins_command());
  commands.push_back(make_doctor_command());
  commands.push_back(make_bench_command());
  commands.push_back(make_config_command());
  commands.push_back(make_completion_command());
  return commands;
}

}  // namespace switchyard::cli
