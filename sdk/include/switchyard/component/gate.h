/* SPDX-License-Identifier: Apache-2.0 */
/* Kind 1: a gate chooses experts for tokens and says how much each of them counts. */
#ifndef SWITCHYARD_COMPONENT_GATE_H
#define SWITCHYARD_COMPONENT_GATE_H

#include <switchyard/component.h>

enum {
  SY_TOKEN_CHOICE = 0, /* ids and weights are [tokens, k_max] */
  SY_EXPERT_CHOICE = 1 /* ids and weights are [experts, capacity] */
};

typedef struct sy_gate_info {
  uint32_t struct_size;
  uint32_t layout; /* SY_TOKEN_CHOICE or SY_EXPERT_CHOICE */
  int32_t k_max;   /* slots per token */
  uint32_t reserved;
  double k_mean; /* experts per token on average, for costs; 0: k_max */
} sy_gate_info;

typedef struct sy_gate_in {
  uint32_t struct_size;
  int32_t n_experts;
  sy_tensor x;         /* [tokens, d_in]; tokens may be 0 */
  sy_tensor mask;      /* u8 [tokens], 0 = padding; data NULL: all are real */
  sy_tensor token_ids; /* i32 [tokens] vocabulary ids; data NULL: not supplied */
  sy_tensor sequence;  /* i32 [tokens] sequence of each token; data NULL: one sequence */
  int64_t capacity;    /* slots per expert; 0 = dropless */
} sy_gate_in;

typedef struct sy_gate_out { /* allocated and zeroed by the host */
  uint32_t struct_size, reserved;
  sy_tensor ids;     /* i32 [tokens, k_max]; -1 = empty slot; no expert twice for one token */
  sy_tensor weights; /* f32, same shape */
  /* These three are of the batch of all ranks of SY_GROUP_DATA; the gate sums them itself. */
  sy_tensor importance; /* f32 [experts], sum of the weights of each expert */
  sy_tensor load;       /* f32 [experts], (smooth) number of tokens of each expert */
  sy_tensor aux_loss;   /* f32 [1], already multiplied by its coefficients */
} sy_gate_out;

typedef struct sy_gate_grad {
  uint32_t struct_size, reserved;
  sy_tensor dweights; /* f32, shape of weights: dL/dweights of the task loss */
  sy_tensor daux;     /* f32 [1]: dL/daux_loss, usually 1 */
  sy_tensor dx;       /* f32 [tokens, d_in]: ADD into it */
  /* What the host asks of the balance, in addition to daux: dL/dimportance and dL/dload, f32
   * [experts]. data NULL: zero. A gate whose load is a hard count has no gradient for dload. */
  sy_tensor dimportance;
  sy_tensor dload;
} sy_gate_grad;

typedef struct sy_gate_vt {
  uint32_t struct_size, reserved;
  sy_status (*info)(sy_instance*, sy_gate_info*, sy_error*); /* [inst] */
  /* [inst] */
  sy_status (*forward)(sy_instance*, const sy_call*, const sy_gate_in*, const sy_gate_out*,
                       sy_error*);
  /* Gradients are those that this rank's rows cause: their sum over ranks is the whole. [inst] */
  sy_status (*backward)(sy_instance*, const sy_call*, const sy_gate_in*, const sy_gate_out*,
                        const sy_gate_grad*, sy_error*);
  sy_status (*step_end)(sy_instance*, const sy_call*, sy_error*); /* optional [inst] */
} sy_gate_vt;

#endif
