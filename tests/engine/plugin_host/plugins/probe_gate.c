/* A gate straight on the C headers. Its setting `mode` says what it does, so that one file can try
 * every service and every way to fail:
 *
 * - plain: softmax(x w), the k largest; with a gradient
 * - fail: forward fails with a status and a text of its own
 * - fault: forward hands on what a wrong call of sy.ops gave
 * - balance: aux_loss is who asks for balance; backward adds to dx what was asked of expert 0
 * - policy: aux_loss is what a call may save
 * - told: aux_loss is max_tokens, the first weight of a token its sequence, or -1
 * - bad_id: forward names an expert that is not there
 * - no_slot: backward asks for a slot that forward left empty
 * - random: weights are uniform numbers of purpose 5
 * - strided: weights are the transposed first k columns of x, through a strided view
 * - threads: weights are filled by the host's threads
 * - comm: weights are gathered over one rank */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <switchyard/switchyard.h>

typedef struct probe {
  const sy_ops* ops;
  const sy_mem* mem;
  const sy_params* params;
  const sy_rng* rng;
  const sy_metrics* metrics;
  const sy_threads* threads;
  const sy_comm* comm;
  int64_t d_in, max_tokens;
  int32_t n_experts, k;
  uint32_t balance;
  char mode[16];
  uint32_t w, steps;
} probe;

static const sy_dtype kF32 = {SY_FLOAT, 32, 1};
static const sy_dtype kI64 = {SY_INT, 64, 1};

static const char* const kModes[] = {"plain",  "fail",    "fault",   "bad_id", "no_slot",
                                     "random", "strided", "threads", "comm",   "balance",
                                     "policy", "told",    NULL};
static const sy_field kK = {.struct_size = sizeof(sy_field),
                            .type = SY_T_INT,
                            .key = "k",
                            .label = "Experts per token",
                            .def = 2,
                            .min = 1,
                            .max = 8};
static const sy_field kMode = {.struct_size = sizeof(sy_field),
                               .type = SY_T_CHOICE,
                               .key = "mode",
                               .def_str = "plain",
                               .choices = kModes};
static const sy_field kScale = {.struct_size = sizeof(sy_field),
                                .type = SY_T_FLOAT,
                                .key = "scale",
                                .def = 0.5,
                                .min = 0.0,
                                .max = 1e300,
                                .unit = "1"};
static const sy_field kSizes = {.struct_size = sizeof(sy_field),
                                .type = SY_T_INT_LIST,
                                .key = "sizes",
                                .def_str = "16, 8",
                                .min = 1,
                                .max = 64};
static const sy_field kNoise = {
    .struct_size = sizeof(sy_field), .type = SY_T_BOOL, .key = "noise", .def = 1};
static const sy_field kNote = {
    .struct_size = sizeof(sy_field), .type = SY_T_STRING, .key = "note", .def_str = ""};
static const sy_field* const kFields[] = {&kK, &kMode, &kScale, &kSizes, &kNoise, &kNote, NULL};

static sy_status fail(sy_error* e, sy_status status, const char* text) {
  if (e && e->text && e->cap) {
    snprintf(e->text, e->cap, "%s", text);
  }
  return status;
}

static sy_status check(const sy_component* c, const sy_layer_info* l, const sy_config* cfg,
                       sy_error* e) {
  (void)c;
  if (cfg->i64(cfg, "k") > l->n_experts) {
    return fail(e, SY_E_INVALID, "k must be at most the number of experts");
  }
  return SY_OK;
}

static sy_status create(const sy_component* c, const sy_host* h, const sy_layer_info* l,
                        const sy_config* cfg, sy_instance** out, sy_error* e) {
  (void)c;
  double sizes[2] = {0, 0};
  if (cfg->list(cfg, "sizes", sizes, 2) == 3 || cfg->i64(cfg, "unknown") != 0 ||
      cfg->str(cfg, "unknown")[0] != '\0') {
    return fail(e, SY_E_INVALID, "three sizes are not for this gate");
  }
  if (h->get_service(h, "sy.cuda/1") != NULL || h->get_service(h, "sy.none/1") != NULL) {
    return fail(e, SY_E_INTERNAL, "the host offers what it does not have");
  }
  probe* p = calloc(1, sizeof *p);
  p->ops = h->get_service(h, SY_SVC_OPS);
  p->mem = h->get_service(h, SY_SVC_MEM);
  p->params = h->get_service(h, SY_SVC_PARAMS);
  p->rng = h->get_service(h, SY_SVC_RNG);
  p->metrics = h->get_service(h, SY_SVC_METRICS);
  p->threads = h->get_service(h, SY_SVC_THREADS);
  p->comm = h->get_service(h, SY_SVC_COMM);
  p->d_in = l->d_in;
  p->max_tokens = l->max_tokens;
  p->n_experts = l->n_experts;
  p->k = (int32_t)cfg->i64(cfg, "k");
  p->balance = SY_HAS(l, sy_layer_info, balance) ? l->balance : 99;
  snprintf(p->mode, sizeof p->mode, "%s", cfg->str(cfg, "mode"));
  h->log(h, SY_LOG_INFO, "probe", p->mode);
  *out = (sy_instance*)p;
  return SY_OK;
}

static void destroy(sy_instance* i) {
  free(i);
}

static sy_status build(sy_instance* i, const sy_builder* b, sy_error* e) {
  probe* p = (probe*)i;
  const sy_param_desc w = {.struct_size = sizeof w,
                           .name = "w",
                           .dtype = kF32,
                           .ndim = 2,
                           .shape = {p->d_in, p->n_experts},
                           .init = SY_INIT_NORMAL,
                           .expert_dim = 1,
                           .a = 0.0,
                           .b = 0.25,
                           .flags = SY_PF_NO_DECAY};
  const sy_param_desc steps = {.struct_size = sizeof steps,
                               .name = "steps",
                               .dtype = kF32,
                               .ndim = 1,
                               .shape = {1},
                               .expert_dim = -1,
                               .flags = SY_PF_BUFFER};
  sy_status s = b->param(b, &w, &p->w, e);
  return s ? s : b->param(b, &steps, &p->steps, e);
}

static sy_status info(sy_instance* i, sy_gate_info* out, sy_error* e) {
  (void)e;
  out->layout = SY_TOKEN_CHOICE;
  out->k_max = ((probe*)i)->k;
  return SY_OK;
}

static sy_status plain(probe* p, const sy_call* c, const sy_gate_in* in, const sy_gate_out* o,
                       sy_error* e) {
  const int64_t shape[2] = {in->x.shape[0], p->n_experts};
  sy_tensor w, logits, probabilities;
  sy_status s = p->params->get(c->ctx, p->w, SY_VALUE, &w, e);
  if (!s)
    s = p->mem->scratch(c->ctx, kF32, 2, shape, &logits, e);
  if (!s)
    s = p->mem->save(c->ctx, 0, kF32, 2, shape, &probabilities, e);
  if (!s)
    s = p->ops->gemm(c->ctx, 0, 0, 1.0, &in->x, &w, 0.0, &logits, e);
  if (!s)
    s = p->ops->softmax(c->ctx, &logits, &probabilities, e);
  if (!s)
    s = p->ops->topk(c->ctx, &probabilities, p->k, &o->weights, &o->ids, e);
  if (!s)
    s = p->ops->bincount(c->ctx, &o->ids, &o->load, e);
  if (!s)
    s = p->ops->reduce(c->ctx, SY_R_SUM, &probabilities, 0, 0.0, &o->importance, e);
  if (!s)
    s = p->ops->fill(c->ctx, 0.25, &o->aux_loss, e);
  if (!s)
    p->metrics->report(c->ctx, "aux", &o->aux_loss);
  return s;
}

static sy_status strided(probe* p, const sy_call* c, const sy_gate_in* in, const sy_gate_out* o,
                         sy_error* e) {
  const int64_t shape[2] = {p->k, in->x.shape[0]};
  const int64_t strides[2] = {in->x.strides[1], in->x.strides[0]};
  sy_tensor columns = in->x, copy;
  columns.shape = shape;
  columns.strides = strides;
  sy_status s = p->mem->scratch(c->ctx, kF32, 2, shape, &copy, e);
  if (!s)
    s = p->ops->affine(c->ctx, &columns, 1.0, 0.0, &copy, e);
  if (!s)
    memcpy(o->weights.data, copy.data, sizeof(float) * (size_t)(shape[0] * shape[1]));
  return s;
}

static void write_index(void* arg, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    ((float*)arg)[i] = (float)i;
  }
}

static sy_status gathered(probe* p, const sy_call* c, const sy_gate_out* o, sy_error* e) {
  int32_t size = 0, rank = -1;
  const int64_t shape[3] = {1, o->weights.shape[0], o->weights.shape[1]};
  sy_tensor x, all;
  p->comm->size_rank(c->ctx, SY_GROUP_DATA, &size, &rank);
  if (size != 1 || rank != 0) {
    return fail(e, SY_E_INTERNAL, "one rank was expected");
  }
  sy_status s = p->mem->scratch(c->ctx, kF32, 2, shape + 1, &x, e);
  if (!s)
    s = p->mem->scratch(c->ctx, kF32, 3, shape, &all, e);
  if (!s)
    s = p->ops->fill(c->ctx, 3.0, &x, e);
  if (!s)
    s = p->comm->all_reduce(c->ctx, SY_GROUP_DATA, SY_R_SUM, &x, e);
  if (!s)
    s = p->comm->all_gather(c->ctx, SY_GROUP_DATA, &x, &all, e);
  if (!s)
    memcpy(o->weights.data, all.data, sizeof(float) * (size_t)(shape[1] * shape[2]));
  return s;
}

static void tell(const probe* p, const sy_gate_in* in, const sy_gate_out* o) {
  ((float*)o->aux_loss.data)[0] = (float)p->max_tokens;
  for (int64_t t = 0; t < in->x.shape[0]; ++t) {
    const int32_t* sequence = in->sequence.data;
    ((float*)o->weights.data)[t * p->k] = sequence ? (float)sequence[t] : -1.0f;
  }
}

static sy_status forward(sy_instance* i, const sy_call* c, const sy_gate_in* in,
                         const sy_gate_out* o, sy_error* e) {
  probe* p = (probe*)i;
  if (!strcmp(p->mode, "fail"))
    return fail(e, SY_E_NUMERIC, "the logits are broken");
  if (!strcmp(p->mode, "fault"))
    return p->ops->gemm(c->ctx, 0, 0, 1.0, &in->x, &in->x, 0.0, &o->weights, e);
  if (!strcmp(p->mode, "bad_id"))
    ((int32_t*)o->ids.data)[1] = p->n_experts;
  if (!strcmp(p->mode, "random"))
    return p->rng->fill(c->ctx, 5, SY_RNG_UNIFORM, 0.0, 1.0, &o->weights, e);
  if (!strcmp(p->mode, "strided"))
    return strided(p, c, in, o, e);
  if (!strcmp(p->mode, "comm"))
    return gathered(p, c, o, e);
  if (!strcmp(p->mode, "threads")) {
    return p->threads->parallel_for(c->ctx, o->weights.shape[0] * o->weights.shape[1], 4,
                                    write_index, o->weights.data, e);
  }
  if (!strcmp(p->mode, "balance"))
    ((float*)o->aux_loss.data)[0] = (float)p->balance;
  if (!strcmp(p->mode, "policy"))
    ((float*)o->aux_loss.data)[0] = (float)c->save_policy;
  if (!strcmp(p->mode, "told"))
    tell(p, in, o);
  if (!strcmp(p->mode, "plain"))
    return plain(p, c, in, o, e);
  return SY_OK;
}

static sy_status backward(sy_instance* i, const sy_call* c, const sy_gate_in* in,
                          const sy_gate_out* o, const sy_gate_grad* g, sy_error* e) {
  probe* p = (probe*)i;
  if (!strcmp(p->mode, "balance")) {
    const sy_tensor* asked[2] = {&g->dimportance, &g->dload};
    for (int j = 0; j < 2; ++j) {
      ((float*)g->dx.data)[j] += asked[j]->data ? *(const float*)asked[j]->data : -1.0f;
    }
    return SY_OK;
  }
  const int64_t shape[2] = {in->x.shape[0], p->n_experts};
  sy_tensor probabilities, w, dw, dp, dlogits;
  sy_status s = p->mem->saved(c->ctx, !strcmp(p->mode, "no_slot") ? 3 : 0, &probabilities, e);
  if (!s)
    s = p->params->get(c->ctx, p->w, SY_VALUE, &w, e);
  if (!s)
    s = p->params->get(c->ctx, p->w, SY_GRAD, &dw, e);
  if (!s)
    s = p->mem->scratch(c->ctx, kF32, 2, shape, &dp, e);
  if (!s)
    s = p->mem->scratch(c->ctx, kF32, 2, shape, &dlogits, e);
  if (!s)
    s = p->ops->fill(c->ctx, 0.0, &dp, e);
  if (!s)
    s = p->ops->put_add(c->ctx, &g->dweights, &o->ids, &dp, e);
  if (!s)
    s = p->ops->softmax_grad(c->ctx, &probabilities, &dp, &dlogits, e);
  if (!s)
    s = p->ops->gemm(c->ctx, 1, 0, 1.0, &in->x, &dlogits, 1.0, &dw, e);
  if (!s)
    s = p->ops->gemm(c->ctx, 0, 1, 1.0, &dlogits, &w, 1.0, &g->dx, e);
  return s;
}

/* Counts steps, and asks for all that this kind of call must not give. */
static sy_status step_end(sy_instance* i, const sy_call* c, sy_error* e) {
  probe* p = (probe*)i;
  const int64_t one[1] = {1}, negative[1] = {-1};
  const sy_dtype f64 = {SY_FLOAT, 64, 1};
  sy_tensor t;
  sy_status s = p->params->get(c->ctx, p->steps, SY_VALUE, &t, e);
  if (s)
    return s;
  *(float*)t.data += 1.0f;
  if (p->params->get(c->ctx, p->steps, SY_GRAD, &t, e) != SY_E_STATE ||
      p->params->get(c->ctx, 7, SY_VALUE, &t, e) != SY_E_NOTFOUND ||
      p->params->get(c->ctx, p->w, 2, &t, e) != SY_E_INVALID ||
      p->mem->save(c->ctx, 0, kF32, 1, one, &t, e) != SY_E_STATE ||
      p->mem->saved(c->ctx, 0, &t, e) != SY_E_STATE ||
      p->mem->saved(c->ctx, 16, &t, e) != SY_E_INVALID ||
      p->mem->scratch(c->ctx, f64, 1, one, &t, e) != SY_E_UNSUPPORTED ||
      p->mem->scratch(c->ctx, kF32, 1, negative, &t, e) != SY_E_INVALID ||
      p->mem->scratch(c->ctx, kF32, 9, one, &t, e) != SY_E_INVALID ||
      p->mem->scratch(NULL, kF32, 1, one, &t, e) != SY_E_INVALID ||
      p->ops->unary(c->ctx, 99, &t, &t, e) != SY_E_INVALID ||
      p->ops->softmax(c->ctx, NULL, NULL, e) != SY_E_INVALID ||
      p->ops->fill(NULL, 0.0, &t, e) != SY_E_INVALID ||
      p->rng->fill(c->ctx, 0, 9, 0.0, 1.0, &t, e) != SY_E_INVALID ||
      p->comm->all_reduce(c->ctx, 5, SY_R_SUM, &t, e) != SY_E_INVALID ||
      p->threads->parallel_for(c->ctx, 4, 0, write_index, NULL, e) != SY_E_INVALID ||
      p->mem->scratch(c->ctx, kI64, 1, one, &t, NULL) != SY_OK || t.dtype.bits != 64) {
    return fail(e, SY_E_INTERNAL, "a wrong call of a service was not refused as it should be");
  }
  p->metrics->report(c->ctx, "wrong", &t);
  return SY_OK;
}

static const sy_gate_vt kGate = {sizeof kGate, 0, info, forward, backward, step_end};
static const sy_component kComponent = {.struct_size = sizeof kComponent,
                                        .kind = SY_KIND_GATE,
                                        .id = "test.gate.probe",
                                        .label = "Probe",
                                        .version = "1.2.0",
                                        .summary = "tries every service",
                                        .state_version = 3,
                                        .caps = SY_CAP_DETERMINISTIC,
                                        .fields = kFields,
                                        .check = check,
                                        .create = create,
                                        .destroy = destroy,
                                        .build = build,
                                        .impl = &kGate};
static const sy_component* const kComponents[] = {&kComponent, NULL};
static const sy_plugin kPlugin = {.struct_size = sizeof kPlugin,
                                  .abi_major = SY_ABI_MAJOR,
                                  .abi_minor = SY_ABI_MINOR,
                                  .id = "test.gate.probe",
                                  .version = "1.2.0",
                                  .vendor = "Test House",
                                  .components = kComponents};

SY_STAMP("test.gate.probe", "1.2.0", "Test House", 1u << SY_KIND_GATE, SY_CAP_DETERMINISTIC, "");

sy_status sy_plugin_entry_v1(const sy_host* host, const sy_plugin** out, sy_error* err) {
  (void)host;
  (void)err;
  *out = &kPlugin;
  return SY_OK;
}
