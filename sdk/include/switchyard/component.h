/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin registers: a component of some kind, its schema, and the life of its instances.
 *
 * The life of one instance, in this order. After a call that fails the host calls no more than
 * destroy().
 *
 *   check     judges a configuration, without an instance                               [any]
 *   create    makes the instance; if it fails there is nothing to destroy                [load]
 *   build     registers tensors; the host then allocates and fills them                  [load]
 *   info      of a gate; of an optimizer, plan, once for each parameter                  [load]
 *   load      reads back what save wrote, when a run goes on                             [inst]
 *   forward, backward, step_end, step, sy.live/1: in training as often as there are
 *             batches; in evaluation forward alone                                       [inst]
 *   save      between two steps, for a checkpoint                                        [inst]
 *   destroy   at the end                                                                 [load]
 *
 * The host may also make an instance only to measure it: it then runs forward and backward on
 * zeros, with parameters of zero, and destroys it. */
#ifndef SWITCHYARD_COMPONENT_H
#define SWITCHYARD_COMPONENT_H

#include <switchyard/config.h>
#include <switchyard/host.h>

enum { SY_KIND_GATE = 1, SY_KIND_EXPERT = 2, SY_KIND_OPTIMIZER = 3 };

/* What a component can do or needs. */
enum {
  SY_CAP_CUDA = 1,          /* runs where call->device is CUDA */
  SY_CAP_DETERMINISTIC = 2, /* same inputs, same bits */
  SY_CAP_CAPTURABLE = 4,    /* may be recorded into a CUDA graph */
  SY_CAP_COMM = 8,          /* uses sy.comm */
  SY_CAP_HOST_OFFSETS = 16, /* an expert that needs its offsets on the host */
  SY_CAP_GRAD_ROWS = 32     /* an optimizer that reads sy_opt_item.rows */
};

/* How the host fills a registered tensor at step 0, from a and b of its description. */
enum {
  SY_INIT_ZERO,
  SY_INIT_CONST,        /* a */
  SY_INIT_NORMAL,       /* mean a, standard deviation b */
  SY_INIT_TRUNC_NORMAL, /* the same, cut at two standard deviations */
  SY_INIT_UNIFORM       /* in [a, b) */
};

/* Flags of a registered tensor. */
enum {
  SY_PF_NO_DECAY = 1,   /* no weight decay */
  SY_PF_FP32 = 2,       /* stays f32 whatever the run's weight type is */
  SY_PF_BUFFER = 4,     /* has no gradient */
  SY_PF_REDUCE_SUM = 8, /* a buffer that is summed over the data group at the end of a step */
  /* An expert's, in f32, that goes to grouped_gemm as weights [n_local, K, M] and nowhere else:
   * SY_VALUE may be bf16, where the run's weight type is. Its gradient is f32. */
  SY_PF_MULTIPLIED = 16
};

/* A tensor to register. */
typedef struct sy_param_desc {
  uint32_t struct_size; /* see abi.h */
  uint32_t flags;       /* SY_PF_* */
  const char* name; /* unique in the instance; part of the checkpoint's key and of the RNG's key */
  sy_dtype dtype;   /* of its elements */
  int32_t ndim;     /* number of dimensions */
  int64_t shape[SY_MAX_DIMS]; /* its first ndim entries */
  uint32_t init;              /* SY_INIT_* */
  int32_t expert_dim;         /* the dimension that counts experts, or -1 */
  double a;                   /* of init: value, mean or lower end */
  double b;                   /* of init: standard deviation or upper end */
} sy_param_desc;

/* Where build() registers tensors. */
typedef struct sy_builder sy_builder;
struct sy_builder {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Registers a tensor; the host allocates and initialises it. *handle is for sy.params. [load] */
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
  uint32_t struct_size; /* see abi.h */
  int32_t layer;        /* index of the layer of experts in the model */
  int64_t d_in;         /* width of a row */
  int64_t d_out;        /* width of an expert's output */
  int32_t n_experts;    /* of the whole layer, over all ranks */
  int32_t first_expert; /* of this instance's range */
  int32_t n_local;      /* length of that range; a gate sees n_experts */
  int32_t device_type;  /* SY_CPU or SY_CUDA, for the life of the instance */
  /* Rows of a training call, upper bound; 0 = unknown. Evaluation and generation may bring more. */
  int64_t max_tokens;
  sy_dtype param;    /* of parameters */
  sy_dtype compute;  /* of the factors of products */
  uint32_t balance;  /* SY_BALANCE_*, for a gate */
  uint32_t reserved; /* 0 */
} sy_layer_info;

/* Checkpoint bytes for what is not a registered tensor; 1 MiB at most. A component has both save
 * and load, or neither. load reads what save wrote in this state_version or an older one. Of
 * several ranks all must write the same. */
typedef struct sy_stream sy_stream;
struct sy_stream {
  uint32_t struct_size; /* see abi.h */
  uint32_t reserved;    /* 0 */
  /* Appends n bytes. [inst] */
  sy_status (*write)(const sy_stream*, const void*, uint64_t n, sy_error*);
  /* Reads up to n bytes; *got = 0 at the end. [inst] */
  sy_status (*read)(const sy_stream*, void*, uint64_t n, uint64_t* got, sy_error*);
};

/* A component. Its strings and tables live as long as the plugin. */
typedef struct sy_component sy_component;
struct sy_component {
  uint32_t struct_size;          /* see abi.h */
  uint32_t kind;                 /* SY_KIND_* */
  const char* id;                /* "org.me.gate.mine": stable for ever */
  const char* label;             /* for people */
  const char* version;           /* semantic version */
  const char* summary;           /* one line */
  uint32_t state_version;        /* of what save writes and of the registered tensors */
  uint32_t caps;                 /* SY_CAP_* */
  const sy_field* const* fields; /* NULL-terminated array of pointers, or NULL */
  /* Checks rules across fields; allocates nothing on a device. Optional. [any] */
  sy_status (*check)(const sy_component*, const sy_layer_info*, const sy_config*, sy_error*);
  /* Makes an instance. [load] */
  sy_status (*create)(const sy_component*, const sy_host*, const sy_layer_info*, const sy_config*,
                      sy_instance**, sy_error*);
  /* Ends an instance; cannot fail. [load] */
  void (*destroy)(sy_instance*);
  /* Registers tensors. Never called for an optimizer, which may leave it NULL. [load] */
  sy_status (*build)(sy_instance*, const sy_builder*, sy_error*);
  /* Writes the state outside of tensors. Optional. [inst] */
  sy_status (*save)(sy_instance*, const sy_stream*, sy_error*);
  /* Reads it back, in version saved_state_version. Optional, with save. [inst] */
  sy_status (*load)(sy_instance*, const sy_stream*, uint32_t saved_state_version, sy_error*);
  /* The table of an extension such as SY_EXT_LIVE, or NULL. It lives as long as the plugin.
   * Optional. [any] */
  const void* (*get_extension)(sy_instance*, const char* id);
  const void* impl; /* sy_gate_vt, sy_expert_vt or sy_optimizer_vt, by kind */
};

#endif
