/* SPDX-License-Identifier: Apache-2.0 */
/* sy.cuda/1: a plugin's own device code, loaded and launched by the host, so that the plugin links
 * no CUDA library. NULL on a host without CUDA. */
#ifndef SWITCHYARD_SERVICE_CUDA_H
#define SWITCHYARD_SERVICE_CUDA_H

#include <switchyard/host.h>

#define SY_SVC_CUDA "sy.cuda/1"

typedef struct sy_cuda {
  uint32_t struct_size;
  int32_t sm; /* 90 = sm_90 */
  /* image: fatbin, cubin or PTX. [inst] */
  sy_status (*load)(const sy_host*, const void* image, uint64_t size, void** module, sy_error*);
  sy_status (*kernel)(const sy_host*, void* module, const char* name, void** kernel,
                      sy_error*); /* [inst] */
  /* On call->stream. [inst] */
  sy_status (*launch)(sy_ctx*, void* kernel, const uint32_t grid[3], const uint32_t block[3],
                      uint32_t shared_bytes, void** args, sy_error*);
} sy_cuda;

#endif
