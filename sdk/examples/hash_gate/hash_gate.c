/* SPDX-License-Identifier: Apache-2.0 */
/* A complete gate in plain C: the experts of a token follow from a hash of its vocabulary id, with
 * equal weights (Roller et al. 2021, arXiv:2106.04426). It learns nothing, which makes it a good
 * baseline: whatever a trained gate adds, it adds over this.
 *
 * It reads its input directly, so it runs on the CPU only and says so: its caps lack SY_CAP_CUDA.
 */
#include <stdio.h>
#include <stdlib.h>

#include <switchyard/switchyard.h>

#define GATE_ID "org.example.gate.hash"
#define GATE_VERSION "1.0.0"

typedef struct hash_gate {
  int32_t num_experts;
  int32_t k;
  const sy_comm* comm; /* NULL on a host of one rank */
} hash_gate;

static sy_status fail(sy_error* error, sy_status status, const char* text) {
  if (error && error->text && error->cap > 0) {
    snprintf(error->text, error->cap, "%s", text);
  }
  return status;
}

static const sy_field field_k = {.struct_size = sizeof(sy_field),
                                 .type = SY_T_INT,
                                 .key = "k",
                                 .label = "Experts per token",
                                 .help = "How many experts each token visits.",
                                 .unit = "",
                                 .section = "Routing",
                                 .def = 2,
                                 .min = 1,
                                 .max = 1024,
                                 .step = 1,
                                 .def_str = "",
                                 .flags = SY_FF_SHAPE};
static const sy_field* const fields[] = {&field_k, NULL};

static sy_status check(const sy_component* component, const sy_layer_info* layer,
                       const sy_config* config, sy_error* error) {
  (void)component;
  if (config->i64(config, "k") > layer->n_experts) {
    return fail(error, SY_E_INVALID, "hash: k must be at most the number of experts");
  }
  return SY_OK;
}

static sy_status create(const sy_component* component, const sy_host* host,
                        const sy_layer_info* layer, const sy_config* config, sy_instance** out,
                        sy_error* error) {
  const sy_status status = check(component, layer, config, error);
  if (status != SY_OK) {
    return status;
  }
  hash_gate* gate = malloc(sizeof *gate);
  if (!gate) {
    return fail(error, SY_E_NOMEM, "hash: out of memory");
  }
  gate->num_experts = layer->n_experts;
  gate->k = (int32_t)config->i64(config, "k");
  gate->comm = host->get_service(host, SY_SVC_COMM);
  *out = (sy_instance*)gate;
  return SY_OK;
}

static void destroy(sy_instance* instance) {
  free(instance);
}

static sy_status build(sy_instance* instance, const sy_builder* builder, sy_error* error) {
  (void)instance;
  (void)builder;
  (void)error;
  return SY_OK; /* nothing to learn */
}

static sy_status info(sy_instance* instance, sy_gate_info* out, sy_error* error) {
  (void)error;
  out->layout = SY_TOKEN_CHOICE;
  out->k_max = ((const hash_gate*)instance)->k;
  return SY_OK;
}

/* Mixes all bits of x into all bits of the result. */
static uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

static sy_status sum_over_ranks(const hash_gate* gate, const sy_call* call, const sy_gate_out* out,
                                sy_error* error) {
  if (!SY_HAS_FN(gate->comm, sy_comm, all_reduce)) {
    return SY_OK;
  }
  const sy_status status =
      gate->comm->all_reduce(call->ctx, SY_GROUP_DATA, SY_R_SUM, &out->importance, error);
  return status != SY_OK
             ? status
             : gate->comm->all_reduce(call->ctx, SY_GROUP_DATA, SY_R_SUM, &out->load, error);
}

static sy_status forward(sy_instance* instance, const sy_call* call, const sy_gate_in* in,
                         const sy_gate_out* out, sy_error* error) {
  const hash_gate* gate = (const hash_gate*)instance;
  if (call->device_type != SY_CPU) {
    return fail(error, SY_E_UNSUPPORTED, "hash: runs on the CPU only");
  }
  const uint8_t* mask = in->mask.data;
  const int32_t* token_ids = in->token_ids.data;
  int32_t* ids = out->ids.data;
  float* weights = out->weights.data;
  float* importance = out->importance.data;
  float* load = out->load.data;
  int64_t stride = 1;
  if (SY_HAS(call, sy_call, token_stride) && call->token_stride != 0) {
    stride = call->token_stride;
  }
  for (int64_t t = 0; t < in->x.shape[0]; ++t) {
    /* Without vocabulary ids the place in the batch serves. */
    const uint32_t key =
        token_ids ? (uint32_t)token_ids[t] : (uint32_t)(call->token_base + t * stride);
    const uint32_t first = mix(key) % (uint32_t)gate->num_experts;
    for (int32_t j = 0; j < gate->k; ++j) {
      const int64_t at = t * gate->k + j;
      if (mask && mask[t] == 0) {
        ids[at] = -1;
        continue;
      }
      ids[at] = (int32_t)((first + (uint32_t)j) % (uint32_t)gate->num_experts);
      weights[at] = 1.0f / (float)gate->k;
      importance[ids[at]] += weights[at];
      load[ids[at]] += 1.0f;
    }
  }
  return sum_over_ranks(gate, call, out, error);
}

static sy_status backward(sy_instance* instance, const sy_call* call, const sy_gate_in* in,
                          const sy_gate_out* out, const sy_gate_grad* grad, sy_error* error) {
  (void)instance;
  (void)call;
  (void)in;
  (void)out;
  (void)grad;
  (void)error;
  return SY_OK; /* the weights depend on nothing that could be trained */
}

static const sy_gate_vt functions = {
    .struct_size = sizeof(sy_gate_vt), .info = info, .forward = forward, .backward = backward};

static const sy_component component = {.struct_size = sizeof(sy_component),
                                       .kind = SY_KIND_GATE,
                                       .id = GATE_ID,
                                       .label = "Hash",
                                       .version = GATE_VERSION,
                                       .summary = "experts by a hash of the token, equal weights",
                                       .state_version = 1,
                                       .caps = SY_CAP_DETERMINISTIC | SY_CAP_COMM,
                                       .fields = fields,
                                       .check = check,
                                       .create = create,
                                       .destroy = destroy,
                                       .build = build,
                                       .impl = &functions};
static const sy_component* const components[] = {&component, NULL};

SY_STAMP(GATE_ID, GATE_VERSION, "Example Ltd", 1u << SY_KIND_GATE,
         SY_CAP_DETERMINISTIC | SY_CAP_COMM, "");

static const sy_plugin plugin = {.struct_size = sizeof(sy_plugin),
                                 .abi_major = SY_ABI_MAJOR,
                                 .abi_minor = SY_ABI_MINOR,
                                 .id = GATE_ID,
                                 .version = GATE_VERSION,
                                 .vendor = "Example Ltd",
                                 .license = "Apache-2.0",
                                 .url = "https://example.org",
                                 .components = components};

sy_status sy_plugin_entry_v1(const sy_host* host, const sy_plugin** out, sy_error* error) {
  if (!host || !out || host->abi_major != SY_ABI_MAJOR || host->abi_minor != SY_ABI_MINOR) {
    return fail(error, SY_E_ABI,
                GATE_ID " was built for plugin ABI " SY_ABI_VERSION ": rebuild it");
  }
  *out = &plugin;
  return SY_OK;
}
