#include "run/run_session.h"

#include <csignal>
#include <figures/number_text.h>
#include <memory>
#include <optional>
#include <storage/run_writer.h>
#include <unistd.h>

#include "core/directory_lock.h"
#include "core/error.h"
#include "core/file_io.h"
#include "process/run_directory.h"
#include "process/signal_watcher.h"
#include "render/json_text.h"
#include "run/event_log.h"
#include "run/json_listener.h"
#include "run/listener_list.h"
#include "run/program.h"
#include "run/progress.h"
#include "run/storage_listener.h"
#include "trainer/trainer.h"

namespace switchyard::run {
namespace {

/// Everything that lives as long as one start of a run, in order of dependency.
class Session {
 public:
  Session(const SessionRequest& request, render::Console& console)
      : request_(request),
        console_(console),
        toml_(request.config.settings.to_toml()),
        progress_(console.err, clock_,
                  {request.config.trainer.train.steps, console.err_terminal,
                   [] { return render::terminal_width(STDERR_FILENO); }}),
        signals_(cancel_, [this](int signal) { say_stopping(signal); }),
        plugins_(plugin_options(request.config.plugin_directories, log_sink())) {
    listeners_.add(progress_);
  }

  process::ExitCode run() {
    make_trainer();
    open_directory();
    open_records();
    const int64_t from = request_.is_resume ? trainer_->restore_newest() : -1;
    begin_segment(from);
    try {
      return train();
    } catch (const std::exception& error) {
      const process::Failure failure = process::failure_of(error);
      listeners_.on_event(trainer_->step(), core::LogLevel::kError, "run_failed", failure.message);
      end_segment("failed", failure.code);
      throw;
    }
  }

 private:
  void say_stopping(int signal) {
    progress_.say(signal == SIGINT ? "stopping after this step with a checkpoint; "
                                     "Ctrl-C again stops at once and loses it"
                                   : "asked to stop: saving a checkpoint after this step");
  }

  [[nodiscard]] core::LogSink log_sink() {
    return [this](core::LogLevel level, std::string_view who, std::string_view text) {
      if (log_) {
        log_->say(level, who, text);
      }
      if (level >= core::LogLevel::kWarning) {
        progress_.say(fmt::format("{}: {}", who, text));
      }
    };
  }

  /// Comes first, because most mistakes in a configuration show here and must not leave a
  /// directory.
  void make_trainer() {
    trainer::TrainerSetup setup;
    setup.config = request_.config.trainer;
    setup.config_toml = toml_;
    setup.run_directory = request_.directory;
    setup.plugins = &plugins_;
    setup.listener = &listeners_;
    setup.clock = &clock_;
    setup.log = log_sink();
    trainer_ = std::make_unique<trainer::Trainer>(std::move(setup));
  }

  void open_directory() {
    if (!request_.is_resume) {
      process::create_run_directory(request_.directory);
    }
    lock_.emplace(request_.directory);
  }

  void open_records() {
    log_ = std::make_unique<EventLog>(process::RunPaths{request_.directory}.log(), clock_);
    log_->database_opened();
    storage::WriterOptions options;
    options.on_notice = [this](const storage::Notice& notice) {
      log_->say(static_cast<core::LogLevel>(notice.level), "storage",
                fmt::format("{}: {}", notice.code, notice.message));
      progress_.say(notice.message);
    };
    writer_ = std::make_unique<storage::RunWriter>(request_.directory, options);
    const int64_t log_every = request_.config.trainer.train.log_every_steps;
    recorder_ = std::make_unique<StorageListener>(*writer_, log_every);
    listeners_.add(*log_);
    listeners_.add(*recorder_);
    if (request_.is_json) {
      json_ = std::make_unique<JsonListener>(console_.out, log_every);
      listeners_.add(*json_);
    }
  }

  void begin_segment(int64_t from_checkpoint) {
    const MachineIdentity machine = machine_identity();
    storage::SegmentStart start;
    start.config_toml = toml_;
    start.config_origin = request_.is_resume ? "resume" : "start";
    start.start_step = trainer_->step() + 1;
    start.host = machine.host;
    start.boot_id = machine.boot_id;
    start.engine = program_version();
    if (from_checkpoint >= 0) {
      start.from_checkpoint = from_checkpoint;
    }
    start.reason = request_.is_resume ? "resume" : "start";
    writer_->begin_segment(start);
    // Only now, so that a refused resume keeps the old configuration.
    core::PosixFileSystem files;
    core::durable_write_file(files, process::RunPaths{request_.directory}.config(), toml_);
    writer_->meta("name", request_.config.name);
    if (request_.is_resume) {
      progress_.say(from_checkpoint < 0 ? "there is no checkpoint yet: starting from step 0"
                                        : fmt::format("continuing from the checkpoint of step {}",
                                                      figures::grouped(from_checkpoint)));
    }
  }

  void end_segment(std::string_view kind, process::ExitCode code) {
    writer_->end_segment(trainer_->step(), kind, static_cast<int64_t>(code));
    writer_->close();
    log_->database_closed(sum_of(process::RunPaths{request_.directory}.database()));
  }

  process::ExitCode train() {
    const int64_t total = request_.config.trainer.train.steps;
    const trainer::StopReason reason = trainer_->train(cancel_);
    progress_.finish();
    const bool is_finished = reason == trainer::StopReason::kFinished;
    const bool by_user = signals_.signal() == SIGINT;
    const process::ExitCode code =
        is_finished ? process::ExitCode::kOk : process::ExitCode::kCheckpointed;
    end_segment(is_finished ? "done" : (by_user ? "stopped" : "requeued"), code);
    const std::string directory = request_.directory.string();
    progress_.say(is_finished
                      ? fmt::format("all {} steps are done; next: switchyard eval {} --split test",
                                    figures::grouped(total), directory)
                      : fmt::format("stopped after step {}; continue with: switchyard resume {}",
                                    figures::grouped(trainer_->step()), directory));
    if (request_.is_json) {
      console_.out << render::JsonObject::versioned()
                          .text("event", "end")
                          .integer("step", trainer_->step())
                          .text("reason", is_finished ? "finished" : "checkpointed")
                          .text("directory", directory)
                          .line()
                   << '\n'
                   << std::flush;
    }
    return code;
  }

  const SessionRequest& request_;
  render::Console& console_;
  std::string toml_;
  core::Clock clock_;
  core::CancelToken cancel_;
  Progress progress_;
  process::SignalWatcher signals_;
  std::optional<core::DirectoryLock> lock_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<storage::RunWriter> writer_;
  std::unique_ptr<StorageListener> recorder_;
  std::unique_ptr<JsonListener> json_;
  ListenerList listeners_;
  plugin_host::PluginRegistry plugins_;
  std::unique_ptr<trainer::Trainer> trainer_;
};

}  // namespace

process::ExitCode run_session(const SessionRequest& request, render::Console& console) {
  if (!request.is_resume) {
    process::require_no_run(request.directory);  // before the model is built
  }
  return Session(request, console).run();
}

}  // namespace switchyard::run
