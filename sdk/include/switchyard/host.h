/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin sees of the engine: the host root, from which services are found by name, and the
 * description of one call. */
#ifndef SWITCHYARD_HOST_H
#define SWITCHYARD_HOST_H

#include <switchyard/status.h>
#include <switchyard/tensor.h>

typedef struct sy_host sy_host;
typedef struct sy_ctx sy_ctx;           /* opaque; dies when the call returns */
typedef struct sy_instance sy_instance; /* opaque; the plugin's own object */

enum { SY_LOG_DEBUG = 0, SY_LOG_INFO = 1, SY_LOG_WARN = 2, SY_LOG_ERROR = 3 };

/* The host root. It lives until the plugin's shutdown() returns. */
struct sy_host {
  uint32_t struct_size;       /* see abi.h */
  uint16_t abi_major;         /* of the contract that the host offers */
  uint16_t abi_minor;         /* of the same contract */
  const char* engine;         /* "switchyard" */
  const char* engine_version; /* "0.1.0" */
  uint32_t device_mask;       /* 1u << SY_CPU | ... */
  uint32_t reserved;          /* 0 */
  /* Writes one line to the engine's log; level is SY_LOG_*, who names the writer. [any] */
  void (*log)(const sy_host*, int32_t level, const char* who, const char* utf8);
  /* The service table of that id, or NULL where this host does not offer it. [any] */
  const void* (*get_service)(const sy_host*, const char* id);
};

/* Flags of a call. */
enum {
  SY_F_TRAINING = 1,     /* noise and dropout are on, a backward call follows */
  SY_F_RECOMPUTE = 2,    /* the same forward again: random numbers repeat, count nothing twice */
  SY_F_DETERMINISTIC = 4 /* sums that reach parameters must have a fixed order */
};

/* What a component may keep for its backward call. */
enum {
  SY_SAVE_ALL = 0, /* whatever backward needs */
  SY_SAVE_NONE = 2 /* nothing: as in evaluation; a backward call would compute it again */
};

/* One call of a component. */
typedef struct sy_call {
  uint32_t struct_size; /* see abi.h */
  uint32_t flags;       /* SY_F_* */
  const sy_host* host;  /* the host root */
  sy_ctx* ctx;          /* for every service; dies when the call returns */
  void* stream;         /* CUDA stream, NULL on the CPU: enqueue, never synchronise */
  int32_t device_type;  /* SY_CPU or SY_CUDA: where tensors lie */
  int32_t device_id;    /* which device of that type */
  int64_t step;         /* optimizer step this call belongs to, from 1 */
  int64_t token_base;   /* index of row 0 among the rows of all ranks */
  int32_t microbatch;   /* within the step, from 0 */
  int32_t layer;        /* as in sy_layer_info */
  uint32_t save_policy; /* SY_SAVE_* */
  sy_dtype compute;     /* of the factors of products in this call */
  int64_t token_stride; /* from the index of a row to that of the next; 0 or not there: 1 */
} sy_call;

#if UINTPTR_MAX == 0xffffffffffffffffu
SY_STATIC_ASSERT(offsetof(sy_host, get_service) == 40, "0.1 layout");
SY_STATIC_ASSERT(sizeof(sy_call) == 80, "0.1 layout");
#endif

#endif
