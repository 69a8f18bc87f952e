/* SPDX-License-Identifier: Apache-2.0 */
/* sy.threads/1: the host's thread pool, for work on host memory. Plugins start no threads. */
#ifndef SWITCHYARD_SERVICE_THREADS_H
#define SWITCHYARD_SERVICE_THREADS_H

#include <switchyard/host.h>

#define SY_SVC_THREADS "sy.threads/1"

/* The functions of sy.threads/1. */
typedef struct sy_threads {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Calls body(arg, begin, end) over consecutive ranges that cover [0, n), each a multiple of
   * `grain` long but for the last; returns when all are done. body must not throw or call the host.
   * [inst] */
  sy_status (*parallel_for)(sy_ctx*, int64_t n, int64_t grain,
                            void (*body)(void* arg, int64_t begin, int64_t end), void* arg,
                            sy_error*);
} sy_threads;

#endif
