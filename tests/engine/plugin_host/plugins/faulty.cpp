// A plugin with one fault each; FAULT, a number, says which. The numbers stand in the
// CMakeLists.txt beside the names.
#include <clocale>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <switchyard/switchyard.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ENTRY_THROWS 1
#define ENTRY_FAILS 2
#define INIT_FAILS 3
#define INIT_THROWS 4
#define OTHER_VERSION 5
#define UNKNOWN_KIND 6
#define STAMP_UNKNOWN_KIND 7
#define NEWER_MINOR 8
#define OTHER_MAJOR 9
#define NO_SYMBOL 10
#define NO_STAMP 11
#define NO_BACKWARD 12
#define FLOAT_MODE 13
#define SIGNAL_HANDLER 14
#define UNDEFINED_SYMBOL 15
#define FIELD_TWICE 16
#define BAD_DEFAULT 17
#define CREATE_THROWS 18
#define NO_TABLE 19
#define DAMAGED_STAMP 20
#define UNKNOWN_LAYOUT 21
#define TOO_MANY_SLOTS 22
#define BUILD_TWICE 23
#define FORWARD_THROWS 24
#define SHUTDOWN 25
#define TOO_LARGE_MEAN 26
#define SAVE_ALONE 27

namespace {

sy_status say(sy_error* error, sy_status status, const char* text) {
  if (error != nullptr) {
    std::snprintf(error->text, error->cap, "%s", text);
  }
  return status;
}

sy_status create(const sy_component*, const sy_host*, const sy_layer_info*, const sy_config*,
                 sy_instance** out, sy_error* error) {
  if (FAULT == CREATE_THROWS) {
    throw std::runtime_error("create went wrong");
  }
  static int object = 0;
  *out = reinterpret_cast<sy_instance*>(&object);
  return error == nullptr ? SY_E_INTERNAL : SY_OK;
}

void destroy(sy_instance*) {
}

sy_status build(sy_instance*, const sy_builder* builder, sy_error* error) {
  sy_param_desc desc{};
  desc.struct_size = sizeof desc;
  desc.name = "w";
  desc.dtype = {SY_FLOAT, 32, 1};
  desc.ndim = 1;
  desc.shape[0] = 3;
  desc.expert_dim = -1;
  uint32_t handle = 0;
  const sy_status status = builder->param(builder, &desc, &handle, error);
  return status == SY_OK && FAULT == BUILD_TWICE ? builder->param(builder, &desc, &handle, error)
                                                 : status;
}

sy_status info(sy_instance*, sy_gate_info* out, sy_error*) {
  out->layout = FAULT == UNKNOWN_LAYOUT ? 7 : SY_TOKEN_CHOICE;
  out->k_max = FAULT == TOO_MANY_SLOTS ? 1000 : 1;
  out->k_mean = FAULT == TOO_LARGE_MEAN ? 1.5 : 1.0;
  return SY_OK;
}

sy_status forward(sy_instance*, const sy_call*, const sy_gate_in*, const sy_gate_out*, sy_error*) {
  throw std::runtime_error("forward went wrong");
}

sy_status backward(sy_instance*, const sy_call*, const sy_gate_in*, const sy_gate_out*,
                   const sy_gate_grad*, sy_error*) {
  return SY_OK;
}

sy_status save(sy_instance*, const sy_stream*, sy_error*) {
  return SY_OK;
}

sy_status init(const sy_host* host, sy_error* error) {
  if (FAULT == INIT_THROWS) {
    throw std::runtime_error("init went wrong");
  }
  if (FAULT == INIT_FAILS) {
    return say(error, SY_E_UNSUPPORTED, "this plugin wants another machine");
  }
  host->log(host, SY_LOG_DEBUG, "faulty", "init");
  return SY_OK;
}

const sy_host* seen_host = nullptr;

void shut_down() {
  seen_host->log(seen_host, SY_LOG_DEBUG, "faulty", "shutdown");
  if (FAULT == SHUTDOWN) {
    throw std::runtime_error("shutdown went wrong");
  }
}

sy_field field(double def) {
  sy_field f{};
  f.struct_size = sizeof f;
  f.type = SY_T_INT;
  f.key = "k";
  f.def = def;
  f.min = 1.0;
  f.max = 4.0;
  return f;
}

const sy_field kField = field(FAULT == BAD_DEFAULT ? 9.0 : 2.0);
const sy_field* const kFields[] = {&kField, FAULT == FIELD_TWICE ? &kField : nullptr, nullptr};
const sy_gate_vt kGate = {
    sizeof(sy_gate_vt), 0, info, forward, FAULT == NO_BACKWARD ? nullptr : backward, nullptr};
const sy_component kComponent = {sizeof(sy_component),
                                 FAULT == UNKNOWN_KIND ? 9U : uint32_t{SY_KIND_GATE},
                                 "test.faulty",
                                 "Faulty",
                                 "1.0.0",
                                 "",
                                 0,
                                 0,
                                 kFields,
                                 nullptr,
                                 create,
                                 destroy,
                                 build,
                                 FAULT == SAVE_ALONE ? save : nullptr,
                                 nullptr,
                                 nullptr,
                                 &kGate};
const sy_component* const kComponents[] = {&kComponent, nullptr};
const sy_plugin kPlugin = {sizeof(sy_plugin),
                           SY_ABI_MAJOR,
                           SY_ABI_MINOR,
                           "test.faulty",
                           FAULT == OTHER_VERSION ? "1.0.1" : "1.0.0",
                           "Test House",
                           "",
                           "",
                           kComponents,
                           init,
                           shut_down,
                           nullptr,
                           0,
                           0};

}  // namespace

#if FAULT != NO_STAMP
SY_C_LINKAGE __attribute__((section(SY_STAMP_SECTION), used, visibility("hidden"), aligned(8)))
const sy_stamp sy_stamp_ = {{'S', 'Y', 'P', 'L', 'U', 'G', '0', FAULT == DAMAGED_STAMP ? '9' : '1'},
                            sizeof(sy_stamp),
                            FAULT == OTHER_MAJOR ? 1 : SY_ABI_MAJOR,
                            FAULT == NEWER_MINOR ? SY_ABI_MINOR + 1 : SY_ABI_MINOR,
                            0,
                            FAULT == STAMP_UNKNOWN_KIND ? 1U << 9 : 1U << SY_KIND_GATE,
                            0,
                            "test.faulty",
                            "1.0.0",
                            "Test House",
                            SY_ABI_VERSION,
                            ""};
#endif

#if FAULT == UNDEFINED_SYMBOL
extern "C" int nobody_defines_this(void);
#endif

#if FAULT == NO_SYMBOL
#define sy_plugin_entry_v1 sy_plugin_entry_of_another_kind
#endif
extern "C" SY_EXPORT sy_status sy_plugin_entry_v1(const sy_host* host, const sy_plugin** out,
                                                  sy_error* error) {
  seen_host = host;
  if (FAULT == ENTRY_THROWS) {
    throw std::runtime_error("the entry went wrong");
  }
  if (FAULT == ENTRY_FAILS) {
    return say(error, SY_E_NOMEM, "there is no room for this plugin");
  }
#if FAULT == FLOAT_MODE && defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8000U);
#elif FAULT == SIGNAL_HANDLER
  std::signal(SIGUSR1, SIG_IGN);
#elif FAULT == UNDEFINED_SYMBOL
  nobody_defines_this();
#endif
  *out = FAULT == NO_TABLE ? nullptr : &kPlugin;
  return SY_OK;
}
