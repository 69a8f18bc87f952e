/* <switchyard/engine.h> is plain C11 and everything it declares is in the library. */
#include <switchyard/engine.h>

int main(void) {
  sy_engine_options options = {sizeof(sy_engine_options), 0, NULL, NULL, NULL};
  sy_engine* engine = NULL;
  sy_trainer* trainer = NULL;
  sy_step_report report = {sizeof(sy_step_report), 0, 0, 0, 0, 0, 0, 0, 0};
  sy_evaluation evaluation = {sizeof(sy_evaluation), 0, 0, 0};
  int64_t step = 0;
  if (sy_engine_version()[0] == '\0' || sy_engine_create(&options, &engine, NULL) != SY_OK) {
    return 1;
  }
  if (sy_trainer_create(engine, "", "", &trainer, NULL) == SY_OK || trainer != NULL ||
      sy_trainer_restore(NULL, &step, NULL) != SY_E_INVALID ||
      sy_trainer_run(NULL, 1, &report, NULL) != SY_E_INVALID ||
      sy_trainer_evaluate(NULL, "test", &evaluation, NULL) != SY_E_INVALID) {
    return 2;
  }
  sy_trainer_stop(NULL);
  sy_trainer_destroy(NULL);
  sy_engine_destroy(engine);
  return 0;
}
