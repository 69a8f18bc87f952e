// SPDX-License-Identifier: Apache-2.0
// The host's services, looked up once when an instance is made.
#pragma once

#include <switchyard/log.hpp>
#include <switchyard/service/comm.h>
#include <switchyard/service/ew.h>
#include <switchyard/service/mem.h>
#include <switchyard/service/metrics.h>
#include <switchyard/service/ops.h>
#include <switchyard/service/params.h>
#include <switchyard/service/rng.h>
#include <switchyard/service/threads.h>

namespace sy {

/// Service tables by name; null where this host lacks one. Call checks before it uses them.
struct Services {
  const sy_mem* mem = nullptr;
  const sy_ops* ops = nullptr;
  const sy_params* params = nullptr;
  const sy_rng* rng = nullptr;
  const sy_comm* comm = nullptr;
  const sy_metrics* metrics = nullptr;
  const sy_threads* threads = nullptr;
  const sy_ew* ew = nullptr;
  const sy_host* host = nullptr;
  const char* who = "plugin";  // the component's id, for the log

  /// Asks the host for every service. `who` lives as long as the result. [load]
  [[nodiscard]] static Services of(const sy_host& host, const char* who) {
    Services s;
    s.host = &host;
    s.who = who;
    find(host, SY_SVC_MEM, s.mem);
    find(host, SY_SVC_OPS, s.ops);
    find(host, SY_SVC_PARAMS, s.params);
    find(host, SY_SVC_RNG, s.rng);
    find(host, SY_SVC_COMM, s.comm);
    find(host, SY_SVC_METRICS, s.metrics);
    find(host, SY_SVC_THREADS, s.threads);
    find(host, SY_SVC_EW, s.ew);
    return s;
  }

 private:
  template <typename Table>
  static void find(const sy_host& host, const char* id, const Table*& table) {
    table = static_cast<const Table*>(host.get_service(&host, id));
  }
};

namespace detail {

/// The function behind `member`, or an Error that says what this host lacks. A table that is older,
/// and so shorter, than this header counts as lacking what lies behind its end.
template <typename Table, typename Function>
Function need(const Table* table, Function Table::* member, const char* name) {
  if (table) {
    const char* end = reinterpret_cast<const char*>(&(table->*member)) + sizeof(Function);
    if (end <= reinterpret_cast<const char*>(table) + table->struct_size && table->*member) {
      return table->*member;
    }
  }
  fail(SY_E_UNSUPPORTED, "this host does not offer ", name,
       ": update the engine, or use an older release of this plugin");
}

}  // namespace detail
}  // namespace sy
