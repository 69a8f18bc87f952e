/* SPDX-License-Identifier: Apache-2.0 */
/* sy.metrics/1: named numbers for plots; recorded with the run under "layer/instance/name". */
#ifndef SWITCHYARD_SERVICE_METRICS_H
#define SWITCHYARD_SERVICE_METRICS_H

#include <switchyard/host.h>

#define SY_SVC_METRICS "sy.metrics/1"

/* The functions of sy.metrics/1. */
typedef struct sy_metrics {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Reports a number; the newest of a step counts. value f32 [1]; may lie on the device: it is read
   * back later, never synchronised. [inst] */
  void (*report)(sy_ctx*, const char* name, const sy_tensor* value);
} sy_metrics;

#endif
