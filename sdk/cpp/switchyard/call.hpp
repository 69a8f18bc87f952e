// SPDX-License-Identifier: Apache-2.0
// One call of a component: what the host said about it, and the services as plain functions that
// throw Error where the host reports a failure. Every function has the meaning, the shapes and the
// thread tag of the C function of the same name; see <switchyard/service/...>.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <type_traits>

#include <switchyard/services.hpp>
#include <switchyard/view.hpp>

namespace sy {

class Call {
 public:
  Call(const sy_call& call, const Services& services) noexcept : call_(call), services_(services) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] const sy_call& info() const noexcept { return call_; }
  [[nodiscard]] const Services& services() const noexcept { return services_; }
  [[nodiscard]] bool is_training() const noexcept { return (call_.flags & SY_F_TRAINING) != 0; }
  /// True if the component shall keep nothing: in evaluation, or because a backward call is to
  /// compute it again.
  [[nodiscard]] bool keeps_nothing() const noexcept { return call_.save_policy == SY_SAVE_NONE; }

  /// The engine's log, under the component's id.
  [[nodiscard]] Log log() const noexcept { return {*call_.host, services_.who}; }

  // sy.mem/1
  /// A contiguous, uninitialised buffer until the call returns.
  sy_tensor scratch(sy_dtype dtype, std::initializer_list<int64_t> shape) {
    sy_tensor t{};
    run(detail::need(services_.mem, &sy_mem::scratch, "sy.mem/1 scratch"), dtype, rank(shape),
        shape.begin(), &t);
    return t;
  }
  sy_tensor scratch(std::initializer_list<int64_t> shape) { return scratch(kF32, shape); }
  /// The same, kept until the backward call that belongs to this forward call returns.
  sy_tensor save(uint32_t slot, sy_dtype dtype, std::initializer_list<int64_t> shape) {
    sy_tensor t{};
    run(detail::need(services_.mem, &sy_mem::save, "sy.mem/1 save"), slot, dtype, rank(shape),
        shape.begin(), &t);
    return t;
  }
  sy_tensor save(uint32_t slot, std::initializer_list<int64_t> shape) {
    return save(slot, kF32, shape);
  }
  /// In backward: what forward kept in that slot.
  sy_tensor saved(uint32_t slot) {
    sy_tensor t{};
    run(detail::need(services_.mem, &sy_mem::saved, "sy.mem/1 saved"), slot, &t);
    return t;
  }

  // sy.params/1
  sy_tensor param(uint32_t handle) { return parameter(handle, SY_VALUE); }
  /// The gradient of a parameter: add to it.
  sy_tensor param_grad(uint32_t handle) { return parameter(handle, SY_GRAD); }
  /// The same for a caller that adds to all of it at once, as in c = a b + beta c: where nothing
  /// has been added yet, beta is 0 and the content means nothing.
  struct GradientSum {
    sy_tensor sum{};
    double beta = 1.0;
  };
  GradientSum param_grad_sum(uint32_t handle) {
    if (!SY_HAS_FN(services_.params, sy_params, grad_sum)) {
      return {.sum = param_grad(handle)};
    }
    GradientSum grad;
    run(services_.params->grad_sum, handle, &grad.sum, &grad.beta);
    return grad;
  }

  // sy.ops/1
  enum class Transpose : int32_t { kNone = 0, kYes = 1 };
  void gemm(Transpose ta, Transpose tb, double alpha, const sy_tensor& a, const sy_tensor& b,
            double beta, const sy_tensor& c) {
    op(&sy_ops::gemm, "gemm", static_cast<int32_t>(ta), static_cast<int32_t>(tb), alpha, &a, &b,
       beta, &c);
  }
  void grouped_gemm(int32_t mode, const sy_tensor& offsets, double alpha, const sy_tensor& a,
                    const sy_tensor& b, double beta, const sy_tensor& c) {
    op(&sy_ops::grouped_gemm, "grouped_gemm", mode, &offsets, alpha, &a, &b, beta, &c);
  }
  void unary(int32_t f, const sy_tensor& x, const sy_tensor& y) {
    op(&sy_ops::unary, "unary", f, &x, &y);
  }
  void binary(int32_t f, const sy_tensor& a, const sy_tensor& b, const sy_tensor& y) {
    op(&sy_ops::binary, "binary", f, &a, &b, &y);
  }
  void affine(const sy_tensor& x, double mul, double add, const sy_tensor& y) {
    op(&sy_ops::affine, "affine", &x, mul, add, &y);
  }
  void copy(const sy_tensor& x, const sy_tensor& y) { affine(x, 1.0, 0.0, y); }
  void act(int32_t kind, const sy_tensor& x, const sy_tensor& y) {
    op(&sy_ops::act, "act", kind, &x, &y);
  }
  void act_grad(int32_t kind, const sy_tensor& x, const sy_tensor& dy, const sy_tensor& dx) {
    op(&sy_ops::act_grad, "act_grad", kind, &x, &dy, &dx);
  }
  void reduce(int32_t f, const sy_tensor& x, int32_t axis, double beta, const sy_tensor& y) {
    op(&sy_ops::reduce, "reduce", f, &x, axis, beta, &y);
  }
  void softmax(const sy_tensor& x, const sy_tensor& y) { op(&sy_ops::softmax, "softmax", &x, &y); }
  void softmax_grad(const sy_tensor& y, const sy_tensor& dy, const sy_tensor& dx) {
    op(&sy_ops::softmax_grad, "softmax_grad", &y, &dy, &dx);
  }
  void topk(const sy_tensor& x, int32_t k, const sy_tensor& values, const sy_tensor& indices) {
    op(&sy_ops::topk, "topk", &x, k, &values, &indices);
  }
  void take(const sy_tensor& x, const sy_tensor& idx, const sy_tensor& y) {
    op(&sy_ops::take, "take", &x, &idx, &y);
  }
  void put_add(const sy_tensor& x, const sy_tensor& idx, const sy_tensor& y) {
    op(&sy_ops::put_add, "put_add", &x, &idx, &y);
  }
  void gather_rows(const sy_tensor& x, const sy_tensor& rows, const sy_tensor& y) {
    op(&sy_ops::gather_rows, "gather_rows", &x, &rows, &y);
  }
  void scatter_add_rows(const sy_tensor& x, const sy_tensor& rows, const sy_tensor& y) {
    op(&sy_ops::scatter_add_rows, "scatter_add_rows", &x, &rows, &y);
  }
  void bincount(const sy_tensor& idx, const sy_tensor& counts) {
    op(&sy_ops::bincount, "bincount", &idx, &counts);
  }
  void fill(double v, const sy_tensor& y) { op(&sy_ops::fill, "fill", v, &y); }
  void count_nonfinite(const sy_tensor& x, const sy_tensor& n) {
    op(&sy_ops::count_nonfinite, "count_nonfinite", &x, &n);
  }
  void mean_squares(const sy_tensor& x, const sy_tensor& rows, const sy_tensor& columns) {
    op(&sy_ops::mean_squares, "mean_squares", &x, &rows, &columns);
  }
  void iota(const sy_tensor& y) { op(&sy_ops::iota, "iota", &y); }
  void where(const sy_tensor& condition, const sy_tensor& a, const sy_tensor& b,
             const sy_tensor& y) {
    op(&sy_ops::where, "where", &condition, &a, &b, &y);
  }
  void squared_variation(const sy_tensor& x, double weight, const sy_tensor& y) {
    op(&sy_ops::squared_variation, "squared_variation", &x, weight, &y);
  }
  void squared_variation_grad(const sy_tensor& x, double weight, const sy_tensor& dy,
                              const sy_tensor& dx) {
    op(&sy_ops::squared_variation_grad, "squared_variation_grad", &x, weight, &dy, &dx);
  }
  /// One number, [1].
  sy_tensor number(sy_dtype dtype, double value) {
    const sy_tensor y = scratch(dtype, {1});
    fill(value, y);
    return y;
  }

  // sy.rng/1
  void random(uint32_t purpose, int32_t distribution, double a, double b, const sy_tensor& y) {
    run(detail::need(services_.rng, &sy_rng::fill, "sy.rng/1 fill"), purpose, distribution, a, b,
        &y);
  }

  /// The address of a purpose's numbers, for a component that makes them itself: the key, and the
  /// counter of the first.
  struct Philox {
    uint32_t key[2];
    uint32_t counter[4];
  };
  [[nodiscard]] Philox philox(uint32_t purpose) {
    Philox address{};
    detail::need(services_.rng, &sy_rng::philox, "sy.rng/1 philox")(call_.ctx, purpose, address.key,
                                                                    address.counter);
    return address;
  }

  // sy.comm/1; a host without it is a host of one rank
  [[nodiscard]] int32_t group_size(int32_t group) {
    if (!services_.comm) {
      return 1;
    }
    int32_t size = 1;
    int32_t rank = 0;
    detail::need(services_.comm, &sy_comm::size_rank, "sy.comm/1 size_rank")(call_.ctx, group,
                                                                             &size, &rank);
    return size;
  }
  void all_reduce(int32_t group, int32_t f, const sy_tensor& x) {
    if (services_.comm) {
      run(detail::need(services_.comm, &sy_comm::all_reduce, "sy.comm/1 all_reduce"), group, f, &x);
    }
  }

  /// y [size of the group, shape of x] = every rank's x in the order of the ranks.
  void all_gather(int32_t group, const sy_tensor& x, const sy_tensor& y) {
    if (services_.comm) {
      run(detail::need(services_.comm, &sy_comm::all_gather, "sy.comm/1 all_gather"), group, &x,
          &y);
    } else {
      copy(x, View::select(y, 0));
    }
  }

  // sy.threads/1
  /// Calls body(begin, end) on the host's threads over ranges that cover [0, n), each a multiple of
  /// `grain` long but for the last. Returns when all are done, and throws the first exception of
  /// the body then. The body calls no service. For host memory only.
  template <typename Body>
  void parallel_for(int64_t n, int64_t grain, Body&& body) {
    Parallel<std::remove_reference_t<Body>> work{body, {}, {}};
    run(detail::need(services_.threads, &sy_threads::parallel_for, "sy.threads/1 parallel_for"), n,
        grain, &Parallel<std::remove_reference_t<Body>>::run, static_cast<void*>(&work));
    if (work.failure) {
      std::rethrow_exception(work.failure);
    }
  }

  // sy.metrics/1; silently nothing where the host records none
  void report(const char* name, const sy_tensor& value) {
    if (SY_HAS_FN(services_.metrics, sy_metrics, report)) {
      services_.metrics->report(call_.ctx, name, &value);
    }
  }

  // sy.ew/1
  /// Runs a program (see program.hpp) over the elements of io[0].
  void elementwise(const sy_ew_ins* code, int32_t num_code, const sy_tensor* io, int32_t num_io,
                   const float* constants, int32_t num_constants) {
    run(detail::need(services_.ew, &sy_ew::run, "sy.ew/1 run"), code, num_code, io, num_io,
        constants, num_constants);
  }
  /// The same over matrices [G,P,Q], with tensors that may repeat along an axis; `active` f32 [G]
  /// or null.
  void elementwise_matrices(const sy_ew_ins* code, int32_t num_code, const sy_tensor* io,
                            int32_t num_io, const float* constants, int32_t num_constants,
                            const sy_tensor* active) {
    run(detail::need(services_.ew, &sy_ew::run_matrices, "sy.ew/1 run_matrices"), code, num_code,
        io, num_io, constants, num_constants, active);
  }
  /// The same over rows of the tensors whose bit of `by_row` is set.
  void elementwise_rows(const sy_ew_ins* code, int32_t num_code, const sy_tensor* io,
                        int32_t num_io, const float* constants, int32_t num_constants,
                        const sy_tensor& rows, uint32_t by_row) {
    run(detail::need(services_.ew, &sy_ew::run_rows, "sy.ew/1 run_rows"), code, num_code, io,
        num_io, constants, num_constants, &rows, by_row);
  }

 private:
  /// A body of parallel_for and the first exception that it threw.
  template <typename Body>
  struct Parallel {
    Body& body;
    std::atomic_flag has_failed;
    std::exception_ptr failure;

    static void run(void* arg, int64_t begin, int64_t end) {
      auto& self = *static_cast<Parallel*>(arg);
      try {
        self.body(begin, end);
      } catch (...) {
        if (!self.has_failed.test_and_set()) {
          self.failure = std::current_exception();
        }
      }
    }
  };

  static int32_t rank(std::initializer_list<int64_t> shape) {
    return static_cast<int32_t>(shape.size());
  }

  sy_tensor parameter(uint32_t handle, int32_t which) {
    sy_tensor t{};
    run(detail::need(services_.params, &sy_params::get, "sy.params/1 get"), handle, which, &t);
    return t;
  }

  template <typename Function, typename... Arguments>
  void run(Function function, Arguments... arguments) {
    HostError error;
    error.check(function(call_.ctx, arguments..., error.get()));
  }

  template <typename Function, typename... Arguments>
  void op(Function sy_ops::* member, const char* name, Arguments... arguments) {
    run(detail::need(services_.ops, member, name), arguments...);
  }

  const sy_call& call_;
  const Services& services_;
};

}  // namespace sy
