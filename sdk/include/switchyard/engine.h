/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding API: train, evaluate and save a model from another program. Link libswitchyard.so.
 *
 * Any number of engines and trainers may live in one process; there is no global state. Nothing
 * here exits, aborts, prints or changes signals, locale or working directory. Every object is used
 * by one thread at a time, but for the functions tagged [any]. Plugins are loaded only from the
 * directories that the options name. */
#ifndef SWITCHYARD_ENGINE_H
#define SWITCHYARD_ENGINE_H

#include <switchyard/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sy_engine sy_engine;
typedef struct sy_trainer sy_trainer;

/* The options of an engine. */
typedef struct sy_engine_options {
  uint32_t struct_size;                  /* see abi.h */
  uint32_t n_plugin_directories;         /* number of plugin_directories */
  const char* const* plugin_directories; /* absolute paths, searched in this order */
  /* Receives the engine's log; may be NULL. level is SY_LOG_*. Called on any of the engine's
   * threads. */
  void (*log)(void* user, int32_t level, const char* who, const char* utf8);
  void* user; /* handed to log */
} sy_engine_options;

/* The last training step. */
typedef struct sy_step_report {
  uint32_t struct_size; /* see abi.h */
  uint32_t is_finished; /* 1: the configured number of steps is done */
  int64_t step;         /* finished steps */
  int64_t n_words;      /* of the last step */
  double task_loss;     /* nats per word */
  double aux_loss;      /* balance losses, weighted */
  double learning_rate; /* of the last step */
  double grad_norm;     /* before clipping */
  double seconds;       /* wall time of the last step */
} sy_step_report;

/* The loss of a split. */
typedef struct sy_evaluation {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  double nll_per_word;  /* nats, end of sentence included; its exponential is the perplexity */
  int64_t n_words;      /* words that the mean is over */
} sy_evaluation;

/* Version of the library, such as "0.1.0". Valid for ever. [any] */
SY_EXPORT const char* sy_engine_version(void);

/* Makes an engine; *out is NULL on failure. [any] */
SY_EXPORT sy_status sy_engine_create(const sy_engine_options* options, sy_engine** out,
                                     sy_error* error);
/* After its trainers. NULL is allowed. */
SY_EXPORT void sy_engine_destroy(sy_engine* engine);

/* Builds the model that a configuration (the text of a TOML file, as `switchyard train` reads it)
 * describes, with its initial weights. Checkpoints go to run_directory/checkpoints; the directory
 * must exist. */
SY_EXPORT sy_status sy_trainer_create(sy_engine* engine, const char* config_toml,
                                      const char* run_directory, sy_trainer** out, sy_error* error);
/* Saves nothing. NULL is allowed. */
SY_EXPORT void sy_trainer_destroy(sy_trainer* trainer);

/* Goes back to the newest whole checkpoint of the run directory; *step is its step, or -1 where
 * there is none. */
SY_EXPORT sy_status sy_trainer_restore(sy_trainer* trainer, int64_t* step, sy_error* error);

/* Trains for at most n_steps, with the evaluations and checkpoints that the configuration asks for;
 * returns earlier, with a checkpoint, after sy_trainer_stop(), and when all steps are done. Fills
 * *report up to its struct_size. */
SY_EXPORT sy_status sy_trainer_run(sy_trainer* trainer, int64_t n_steps, sy_step_report* report,
                                   sy_error* error);
/* Asks a running sy_trainer_run() to save and return after its step. A later run goes on. [any] */
SY_EXPORT void sy_trainer_stop(sy_trainer* trainer);

/* Full-softmax loss of a split of the data set: "train", "valid" or "test". */
SY_EXPORT sy_status sy_trainer_evaluate(sy_trainer* trainer, const char* split,
                                        sy_evaluation* evaluation, sy_error* error);

#ifdef __cplusplus
}
#endif

#endif
