/* Gradient descent with momentum by sy.ew: v = mu v + m g, p = p - lr v, with m the host's
 * multiplier. It also declares a state "rows" that follows the first dimension only, to try
 * dim_map, and keeps the number of its steps outside of tensors. */
#include <stdlib.h>

#include <switchyard/switchyard.h>

typedef struct momentum {
  const sy_ew* ew;
  const sy_rng* rng;
  float mu;
  uint8_t steps;
} momentum;

static const sy_field kMu = {.struct_size = sizeof(sy_field),
                             .type = SY_T_FLOAT,
                             .key = "mu",
                             .def = 0.5,
                             .min = 0.0,
                             .max = 1.0};
static const sy_field* const kFields[] = {&kMu, NULL};

static sy_status create(const sy_component* c, const sy_host* h, const sy_layer_info* l,
                        const sy_config* cfg, sy_instance** out, sy_error* e) {
  (void)c, (void)l, (void)e;
  momentum* p = calloc(1, sizeof *p);
  p->ew = h->get_service(h, SY_SVC_EW);
  p->rng = h->get_service(h, SY_SVC_RNG);
  p->mu = (float)cfg->f64(cfg, "mu");
  *out = (sy_instance*)p;
  return SY_OK;
}

static void destroy(sy_instance* i) {
  free(i);
}

static sy_status plan(sy_instance* i, const sy_param_info* info, const sy_state_builder* b,
                      sy_error* e) {
  (void)i;
  const sy_dtype f32 = {SY_FLOAT, 32, 1}, bf16 = {SY_BFLOAT, 16, 1};
  const int8_t same[SY_MAX_DIMS] = {0, 1, 2, 3, 4, 5, 6, 7}, rows[2] = {0, -1}, beyond[1] = {7};
  if (b->state(b, "bad", bf16, 0, same, 0.0, NULL) != SY_E_UNSUPPORTED ||
      b->state(b, "bad", f32, 1, beyond, 0.0, NULL) != SY_E_INVALID) {
    return SY_E_INTERNAL;
  }
  b->sharding(b, SY_SHARD_ANY);
  const sy_status s = b->state(b, "v", f32, info->ndim, same, 0.0, e);
  return s ? s : b->state(b, "rows", f32, 2, rows, 1.5, e);
}

static sy_status step(sy_instance* i, const sy_call* c, const sy_opt_step* all, sy_error* e) {
  static const sy_ew_ins kCode[] = {
      {SY_EW_LOAD, 0, 0, 0},   {SY_EW_LOAD, 1, 1, 0},  {SY_EW_LOAD, 2, 2, 0},
      {SY_EW_SCALAR, 3, 3, 0}, {SY_EW_CONST, 4, 0, 0}, {SY_EW_CONST, 5, 1, 0},
      {SY_EW_MUL, 2, 2, 4},    {SY_EW_FMA, 2, 1, 3},   {SY_EW_STORE, 2, 2, 0},
      {SY_EW_MUL, 6, 2, 5},    {SY_EW_SUB, 0, 0, 6},   {SY_EW_STORE, 0, 0, 0}};
  momentum* p = (momentum*)i;
  if (p->rng->fill(c->ctx, 0, SY_RNG_UNIFORM, 0.0, 1.0, &all->items[0]->param, NULL) !=
      SY_E_UNSUPPORTED) {
    return SY_E_INTERNAL;
  }
  sy_status s = SY_OK;
  for (uint32_t n = 0; !s && n < all->n_items; ++n) {
    const sy_opt_item* item = all->items[n];
    const float constants[2] = {p->mu, (float)item->lr};
    const sy_tensor io[4] = {item->param, item->grad, item->state[0], all->grad_mult};
    s = p->ew->run(c->ctx, kCode, 12, io, 4, constants, 2, e);
  }
  ++p->steps;
  return s;
}

static sy_status save(sy_instance* i, const sy_stream* out, sy_error* e) {
  return out->write(out, &((momentum*)i)->steps, 1, e);
}

static sy_status load(sy_instance* i, const sy_stream* in, uint32_t saved_state_version,
                      sy_error* e) {
  (void)saved_state_version;
  uint64_t got = 0;
  const sy_status s = in->read(in, &((momentum*)i)->steps, 1, &got, e);
  return !s && got == 0 ? SY_E_DAMAGED : s;
}

static const sy_optimizer_vt kOptimizer = {sizeof kOptimizer, 0, plan, step};
static const sy_component kComponent = {.struct_size = sizeof kComponent,
                                        .kind = SY_KIND_OPTIMIZER,
                                        .id = "test.optimizer.momentum",
                                        .version = "1.0.0",
                                        .state_version = 1,
                                        .fields = kFields,
                                        .create = create,
                                        .destroy = destroy,
                                        .save = save,
                                        .load = load,
                                        .impl = &kOptimizer};
static const sy_component* const kComponents[] = {&kComponent, NULL};
static const sy_plugin kPlugin = {.struct_size = sizeof kPlugin,
                                  .abi_major = SY_ABI_MAJOR,
                                  .abi_minor = SY_ABI_MINOR,
                                  .id = "test.optimizer.momentum",
                                  .version = "1.0.0",
                                  .vendor = "Test House",
                                  .components = kComponents};

SY_STAMP("test.optimizer.momentum", "1.0.0", "Test House", 1u << SY_KIND_OPTIMIZER, 0, "");

sy_status sy_plugin_entry_v1(const sy_host* host, const sy_plugin** out, sy_error* err) {
  (void)host, (void)err;
  *out = &kPlugin;
  return SY_OK;
}
