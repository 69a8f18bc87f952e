/* SPDX-License-Identifier: Apache-2.0 */
/* DRAFT of sy.cuda/1: a plugin's own device code, loaded and launched by the host, so that the
 * plugin links no CUDA library. No host offers it yet. */
#ifndef SWITCHYARD_DRAFT_CUDA_H
#define SWITCHYARD_DRAFT_CUDA_H

#include <switchyard/host.h>

#define SY_SVC_CUDA "sy.cuda/1"

/* The functions of sy.cuda/1. */
typedef struct sy_cuda {
  uint32_t struct_size; /* see abi.h */
  int32_t sm;           /* compute capability of the host's device: 90 = sm_90 */
  /* Loads an image: fatbin, cubin or PTX. [inst] */
  sy_status (*load)(const sy_host*, const void* image, uint64_t size, void** module, sy_error*);
  /* Finds a kernel of a module by its name. [inst] */
  sy_status (*kernel)(const sy_host*, void* module, const char* name, void** kernel, sy_error*);
  /* Launches a kernel on call->stream. [inst] */
  sy_status (*launch)(sy_ctx*, void* kernel, const uint32_t grid[3], const uint32_t block[3],
                      uint32_t shared_bytes, void** args, sy_error*);
} sy_cuda;

#endif
