/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's descriptor, its one exported symbol, and the copy of its identity that the host
 * reads from the file before it loads anything. */
#ifndef SWITCHYARD_PLUGIN_H
#define SWITCHYARD_PLUGIN_H

#include <switchyard/component.h>

/* The plugin, valid until the process ends. */
typedef struct sy_plugin {
  uint32_t struct_size;                  /* see abi.h */
  uint16_t abi_major;                    /* of the headers that the plugin was built with */
  uint16_t abi_minor;                    /* of the same headers */
  const char* id;                        /* "org.me.gates": stable for ever */
  const char* version;                   /* semantic version */
  const char* vendor;                    /* contact for users */
  const char* license;                   /* SPDX expression, or "" */
  const char* url;                       /* or "" */
  const sy_component* const* components; /* NULL-terminated */
  /* Once, after the entry and before anything else. Optional. [load] */
  sy_status (*init)(const sy_host*, sy_error*);
  /* Once, after every instance is destroyed. Optional. [load] */
  void (*shutdown)(void);
  /* The table of an extension of the plugin as a whole, or NULL. Optional. [any] */
  const void* (*get_extension)(const char* id);
  uint32_t need_minor; /* as in sy_stamp */
  uint32_t reserved;   /* 0 */
} sy_plugin;

/* The one exported symbol. Fast, no device work, no threads; *out stays valid until the process
 * ends. [load] */
SY_C_LINKAGE SY_EXPORT sy_status sy_plugin_entry_v1(const sy_host* host, const sy_plugin** out,
                                                    sy_error* err);

#define SY_STAMP_SECTION "sy_stamp"
#define SY_STAMP_MAGIC "SYPLUG01"

/* Lies in the ELF section SY_STAMP_SECTION; must say the same as sy_plugin. Frozen. */
typedef struct sy_stamp {
  char magic[8];       /* SY_STAMP_MAGIC, without its terminator */
  uint16_t size;       /* of this struct, in bytes */
  uint16_t abi_major;  /* as in sy_plugin */
  uint16_t abi_minor;  /* as in sy_plugin */
  uint16_t need_minor; /* oldest minor of a host that can run it; read from 1.0 on, now 0 */
  uint32_t kinds;      /* 1u << SY_KIND_* | ... */
  uint32_t caps;       /* SY_CAP_* of all components */
  char id[96];         /* as in sy_plugin */
  char version[32];    /* as in sy_plugin */
  char vendor[64];     /* as in sy_plugin */
  char sdk[32];        /* SY_ABI_VERSION */
  char cuda_archs[64]; /* "90 100", or "" */
} sy_stamp;

#if defined(__GNUC__)
#define SY_STAMP(ID, VERSION, VENDOR, KINDS, CAPS, CUDA_ARCHS)                                    \
  SY_C_LINKAGE __attribute__((section(SY_STAMP_SECTION), used, visibility("hidden"), aligned(8))) \
  const sy_stamp sy_stamp_ = {{'S', 'Y', 'P', 'L', 'U', 'G', '0', '1'},                           \
                              (uint16_t)sizeof(sy_stamp),                                         \
                              SY_ABI_MAJOR,                                                       \
                              SY_ABI_MINOR,                                                       \
                              0,                                                                  \
                              KINDS,                                                              \
                              CAPS,                                                               \
                              ID,                                                                 \
                              VERSION,                                                            \
                              VENDOR,                                                             \
                              SY_ABI_VERSION,                                                     \
                              CUDA_ARCHS}
#endif

#if UINTPTR_MAX == 0xffffffffffffffffu
SY_STATIC_ASSERT(offsetof(sy_plugin, components) == 48, "0.1 layout");
SY_STATIC_ASSERT(sizeof(sy_stamp) == 312, "frozen");
#endif

#endif
