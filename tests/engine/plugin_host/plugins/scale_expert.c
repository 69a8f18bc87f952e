/* Experts that multiply their rows by a vector each: y = x s_e. Needs its offsets on the host. */
#include <stdlib.h>

#include <switchyard/switchyard.h>

typedef struct scale {
  const sy_params* params;
  int64_t d;
  int32_t n_local;
  uint32_t s;
} scale;

static sy_status create(const sy_component* c, const sy_host* h, const sy_layer_info* l,
                        const sy_config* cfg, sy_instance** out, sy_error* e) {
  (void)c, (void)cfg, (void)e;
  scale* p = calloc(1, sizeof *p);
  p->params = h->get_service(h, SY_SVC_PARAMS);
  p->d = l->d_in;
  p->n_local = l->n_local;
  *out = (sy_instance*)p;
  return SY_OK;
}

static void destroy(sy_instance* i) {
  free(i);
}

static sy_status build(sy_instance* i, const sy_builder* b, sy_error* e) {
  scale* p = (scale*)i;
  const sy_dtype f32 = {SY_FLOAT, 32, 1};
  const sy_param_desc s = {.struct_size = sizeof s,
                           .name = "s",
                           .dtype = f32,
                           .ndim = 2,
                           .shape = {p->n_local, p->d},
                           .init = SY_INIT_CONST,
                           .expert_dim = 0,
                           .a = 1.0};
  return b->param(b, &s, &p->s, e);
}

static sy_status forward(sy_instance* i, const sy_call* c, const sy_expert_io* io, sy_error* e) {
  scale* p = (scale*)i;
  sy_tensor s;
  const sy_status status = p->params->get(c->ctx, p->s, SY_VALUE, &s, e);
  for (int32_t g = 0; !status && g < p->n_local; ++g) {
    for (int64_t at = io->host_offsets[g] * p->d; at < io->host_offsets[g + 1] * p->d; ++at) {
      ((float*)io->y.data)[at] = ((float*)io->x.data)[at] * ((float*)s.data)[g * p->d + at % p->d];
    }
  }
  return status;
}

static sy_status backward(sy_instance* i, const sy_call* c, const sy_expert_io* io, sy_error* e) {
  scale* p = (scale*)i;
  sy_tensor s, ds;
  sy_status status = p->params->get(c->ctx, p->s, SY_VALUE, &s, e);
  if (!status)
    status = p->params->get(c->ctx, p->s, SY_GRAD, &ds, e);
  for (int32_t g = 0; !status && g < p->n_local; ++g) {
    for (int64_t at = io->host_offsets[g] * p->d; at < io->host_offsets[g + 1] * p->d; ++at) {
      const float dy = ((float*)io->dy.data)[at];
      ((float*)io->dx.data)[at] = dy * ((float*)s.data)[g * p->d + at % p->d];
      ((float*)ds.data)[g * p->d + at % p->d] += dy * ((float*)io->x.data)[at];
    }
  }
  return status;
}

static sy_status cost(sy_instance* i, double* madds, double* bytes, sy_error* e) {
  (void)e;
  *madds = (double)((scale*)i)->d;
  *bytes = 0.0;
  return SY_OK;
}

static const sy_expert_vt kExpert = {sizeof kExpert, 0, forward, backward, cost};
static const sy_component kComponent = {.struct_size = sizeof kComponent,
                                        .kind = SY_KIND_EXPERT,
                                        .id = "test.experts.scale",
                                        .label = "Scale",
                                        .version = "1.0.0",
                                        .caps = SY_CAP_HOST_OFFSETS,
                                        .create = create,
                                        .destroy = destroy,
                                        .build = build,
                                        .impl = &kExpert};
static const sy_component* const kComponents[] = {&kComponent, NULL};
static const sy_plugin kPlugin = {.struct_size = sizeof kPlugin,
                                  .abi_major = SY_ABI_MAJOR,
                                  .abi_minor = SY_ABI_MINOR,
                                  .id = "test.experts",
                                  .version = "1.0.0",
                                  .vendor = "Test House",
                                  .components = kComponents};

SY_STAMP("test.experts", "1.0.0", "Test House", 1u << SY_KIND_EXPERT, SY_CAP_HOST_OFFSETS, "");

sy_status sy_plugin_entry_v1(const sy_host* host, const sy_plugin** out, sy_error* err) {
  (void)host, (void)err;
  *out = &kPlugin;
  return SY_OK;
}
