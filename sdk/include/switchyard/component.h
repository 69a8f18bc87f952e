/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin registers: a component of some kind, its schema, and the life of its instances. */
#ifndef SWITCHYARD_COMPONENT_H
#define SWITCHYARD_COMPONENT_H

#include <switchyard/config.h>
#include <switchyard/host.h>

enum { SY_KIND_GATE = 1, SY_KIND_EXPERT = 2, SY_KIND_OPTIMIZER = 3 };

enum {
  SY_CAP_CUDA = 1,          /* runs where call->device is CUDA */
  SY_CAP_DETERMINISTIC = 2, /* same inputs, same bits */
  SY_CAP_CAPTURABLE = 4,    /* may be recorded into a CUDA graph */
  SY_CAP_COMM = 8,          /* uses sy.comm */
  SY_CAP_HOST_OFFSETS = 16, /* an expert that needs its offsets on the host */
  SY_CAP_GRAD_ROWS = 32     /* an optimizer that reads sy_opt_item.rows */
};

/* How the host fills a registered tensor at step 0. */
enum {
  SY_INIT_ZERO,
  SY_INIT_CONST,        /* a */
  SY_INIT_NORMAL,       /* mean a, standard deviation b */
  SY_INIT_TRUNC_NORMAL, /* the same, cut at two standard deviations */
  SY_INIT_UNIFORM       /* in [a, b) */
};

enum {
  SY_PF_NO_DECAY = 1,
  SY_PF_FP32 = 2,       /* keep f32 whatever the run's weight type */
  SY_PF_BUFFER = 4,     /* has no gradient */
  SY_PF_REDUCE_SUM = 8, /* a buffer that is summed over the data group at the end of a step */
  /* An expert's, in f32, that goes to grouped_gemm as weights [n_local, K, M] and nowhere else:
   * SY_VALUE may be bf16, where the run's weight type is. Its gradient is f32. */
  SY_PF_MULTIPLIED = 16
};

typedef struct sy_param_desc {
  uint32_t struct_size;
  uint32_t flags;   /* SY_PF_* */
  const char* name; /* unique in the instance; part of the checkpoint's key and of the RNG's key */
  sy_dtype dtype;
  int32_t ndim;
  int64_t shape[SY_MAX_DIMS];
  uint32_t init;
  int32_t expert_dim; /* the dimension that counts experts, or -1 */
  double a, b;
} sy_param_desc;

typedef struct sy_builder sy_builder;
struct sy_builder {
  uint32_t struct_size, reserved;
  /* Registers a tensor; the host allocates and initialises it. [load] */
  sy_status (*param)(const sy_builder*, const sy_param_desc*, uint32_t* handle, sy_error*);
};

/* Who asks a gate for balance. */
enum {
  SY_BALANCE_GATE = 0, /* the gate itself, by its settings */
  SY_BALANCE_HOST = 1  /* the host: the gate leaves its own losses on importance and load out of
                          aux_loss, and takes their gradients from sy_gate_grad */
};

/* Where an instance stands. */
typedef struct sy_layer_info {
  uint32_t struct_size;
  int32_t layer;
  int64_t d_in, d_out;
  int32_t n_experts;    /* of the whole layer, over all ranks */
  int32_t first_expert; /* of this instance's range */
  int32_t n_local;      /* length of that range; a gate sees n_experts */
  int32_t device_type;
  int64_t max_tokens; /* rows per call, upper bound; 0 = unknown */
  sy_dtype param, compute;
  uint32_t balance; /* SY_BALANCE_*, for a gate */
  uint32_t reserved;
} sy_layer_info;

/* Checkpoint bytes for what is not a registered tensor; 1 MiB at most. A component has both save
 * and load, or neither. load comes after build and before the first step, with what save wrote in
 * this state_version or an older one. Of several ranks all must write the same. */
typedef struct sy_stream sy_stream;
struct sy_stream {
  uint32_t struct_size, reserved;
  sy_status (*write)(const sy_stream*, const void*, uint64_t n, sy_error*);
  /* May give less than n. */
  sy_status (*read)(const sy_stream*, void*, uint64_t n, uint64_t* got, sy_error*);
};

typedef struct sy_component sy_component;
struct sy_component {
  uint32_t struct_size;
  uint32_t kind;                              /* SY_KIND_* */
  const char *id, *label, *version, *summary; /* id: stable for ever; version: semver */
  uint32_t state_version, caps;               /* SY_CAP_* */
  const sy_field* const* fields;              /* NULL-terminated array of pointers, or NULL */
  /* Rules across fields; allocates nothing on a device. Optional. [any] */
  sy_status (*check)(const sy_component*, const sy_layer_info*, const sy_config*, sy_error*);
  /* [load] */
  sy_status (*create)(const sy_component*, const sy_host*, const sy_layer_info*, const sy_config*,
                      sy_instance**, sy_error*);
  void (*destroy)(sy_instance*);                                  /* [load] */
  sy_status (*build)(sy_instance*, const sy_builder*, sy_error*); /* [load] */
  sy_status (*save)(sy_instance*, const sy_stream*, sy_error*);   /* optional [inst] */
  /* Optional. [inst] */
  sy_status (*load)(sy_instance*, const sy_stream*, uint32_t saved_state_version, sy_error*);
  const void* (*get_extension)(sy_instance*, const char* id); /* optional [any] */
  const void* impl; /* sy_gate_vt, sy_expert_vt or sy_optimizer_vt, by kind */
};

#endif
