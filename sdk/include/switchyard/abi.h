/* SPDX-License-Identifier: Apache-2.0 */
/* The version of the binary contract, the export macro, and how a struct may grow.
 *
 * Thread tags, used on every function of the SDK:
 *   [load]  during loading, creating and unloading; one thread at a time for one plugin
 *   [inst]  never two calls at once on one instance; the thread may change between calls
 *   [any]   from any thread at any time
 * The life of an instance is told in component.h.
 *
 * Growth rule: a struct that may grow begins with `uint32_t struct_size`, set by the side that
 * makes it. Fields are only ever appended, and zero in a new field means "as before". A reader asks
 * SY_HAS() before it touches a field; it never compares sizes for equality. */
#ifndef SWITCHYARD_ABI_H
#define SWITCHYARD_ABI_H

#include <stddef.h>
#include <stdint.h>

/* While the major is 0 a plugin runs only on an engine of exactly its own minor. */
#define SY_ABI_MAJOR 0
#define SY_ABI_MINOR 2

#define SY_TEXT_OF(NUMBER) #NUMBER
#define SY_VERSION_TEXT(MAJOR, MINOR) SY_TEXT_OF(MAJOR) "." SY_TEXT_OF(MINOR)

/* "0.2": the version of this SDK, which is the version of the contract that it speaks. */
#define SY_ABI_VERSION SY_VERSION_TEXT(SY_ABI_MAJOR, SY_ABI_MINOR)

#if defined(__GNUC__)
#define SY_EXPORT __attribute__((visibility("default"), used))
#else
#define SY_EXPORT
#endif

#if defined(__cplusplus)
#define SY_C_LINKAGE extern "C"
#define SY_STATIC_ASSERT static_assert
#else
#define SY_C_LINKAGE
#define SY_STATIC_ASSERT _Static_assert
#endif

/* True where `p` is not null and the side that made *p allocated field f of struct type T. */
#define SY_HAS(p, T, f) ((p) && (p)->struct_size >= offsetof(T, f) + sizeof((p)->f))

/* SY_HAS() for a function pointer: also true only where it is set. */
#define SY_HAS_FN(p, T, f) (SY_HAS(p, T, f) && (p)->f)

#endif
