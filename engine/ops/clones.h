#pragma once

/// Marks a CPU kernel whose loops should use the widest vectors of the machine it runs on: the
/// compiler makes one version per instruction set and the loader picks one. Functions that the
/// kernel calls must be inlined into it. Sanitizers do not support this choice at load time, so
/// they get one version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SWITCHYARD_CPU_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SWITCHYARD_CPU_CLONES
#endif
