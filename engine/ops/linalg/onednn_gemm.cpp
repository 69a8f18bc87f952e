#include "ops/linalg/onednn_gemm.h"

#include <array>
#include <omp.h>
#include <optional>

#include <dnnl.hpp>

#include "core/error.h"
#include "ops/linalg/thread_buffer.h"

namespace switchyard::ops::linalg {

namespace {

// oneDNN is built with OpenMP; our own pool is the only one that may be parallel. The number of
// threads is a property of the calling thread and is put back.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneOpenMpThread() { omp_set_num_threads(before_); }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  int before_;
};

[[noreturn]] void refuse(const GemmDims& n, const char* type, int status) {
  core::fail(core::ErrorCode::kInternal,
             "matmul: oneDNN refused {} [{}, {}] x [{}, {}] with status {}", type, n.M, n.K, n.K,
             n.N, status);
}

// c = beta c, for products of no elements.
void scale(const GemmDims& n, MatrixOut c) {
  for (int64_t i = 0; i < n.M; ++i) {
    float* row = c.data + i * c.stride;
    for (int64_t j = 0; j < n.N; ++j) {
      row[j] = n.beta == 0.0F ? 0.0F : n.beta * row[j];
    }
  }
}

// oneDNN's matmul for bf16 x bf16 -> f32 with sizes given at run time: creating one for each number
// of rows would cost more than the product (0.1-1 ms each).
class Bf16Matmul {
 public:
  static Bf16Matmul& of_this_thread() {
    thread_local Bf16Matmul matmul;
    return matmul;
  }

  // c = op(a) op(b), or c += with `adds`.
  void run(const GemmDims& n, Bf16View a, Bf16View b, MatrixOut c, bool adds) {
    const bool a_is_plain = n.transpose_a == Transpose::kNo;
    const bool b_is_plain = n.transpose_b == Transpose::kNo;
    const Memory::desc a_shape({n.M, n.K}, kBf16, strides(a_is_plain, a.stride));
    const Memory::desc b_shape({n.K, n.N}, kBf16, strides(b_is_plain, b.stride));
    const Memory::desc c_shape({n.M, n.N}, Memory::data_type::f32, {c.stride, 1});
    // oneDNN takes pointers to non-const; it only reads the sources.
    const Memory a_memory(a_shape, engine_, const_cast<uint16_t*>(a.data));
    const Memory b_memory(b_shape, engine_, const_cast<uint16_t*>(b.data));
    const Memory c_memory(c_shape, engine_, c.data);
    primitive(a_is_plain, b_is_plain, adds)
        .execute(
            stream_,
            {{DNNL_ARG_SRC, a_memory}, {DNNL_ARG_WEIGHTS, b_memory}, {DNNL_ARG_DST, c_memory}});
    stream_.wait();
  }

  ThreadBuffer product;

 private:
  using Memory = dnnl::memory;
  static constexpr Memory::data_type kBf16 = Memory::data_type::bf16;
  static constexpr int64_t kAny = DNNL_RUNTIME_DIM_VAL;

  static Memory::dims strides(bool is_plain, int64_t stride) {
    return is_plain ? Memory::dims{stride, 1} : Memory::dims{1, stride};
  }

  const dnnl::matmul& primitive(bool a_is_plain, bool b_is_plain, bool adds) {
    const size_t index = (a_is_plain ? 4U : 0U) + (b_is_plain ? 2U : 0U) + (adds ? 1U : 0U);
    std::optional<dnnl::matmul>& kept = primitives_.at(index);
    if (!kept) {
      const Memory::desc a({kAny, kAny}, kBf16, strides(a_is_plain, kAny));
      const Memory::desc b({kAny, kAny}, kBf16, strides(b_is_plain, kAny));
      const Memory::desc c({kAny, kAny}, Memory::data_type::f32, {kAny, 1});
      dnnl::primitive_attr attributes;
      if (adds) {
        dnnl::post_ops sum;
        sum.append_sum(1.0F);
        attributes.set_post_ops(sum);
      }
      kept.emplace(dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, c), attributes, engine_));
    }
    return *kept;
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::array<std::optional<dnnl::matmul>, 8> primitives_;
};

// With an alpha or beta that oneDNN does not support, the product goes to a buffer first.
void scaled_bf16_product(Bf16Matmul& matmul, const GemmDims& n, Bf16View a, Bf16View b,
                         MatrixOut c) {
  const MatrixOut product = {.data = matmul.product.at_least<float>(n.M * n.N), .stride = n.N};
  matmul.run(n, a, b, product, false);
  for (int64_t i = 0; i < n.M; ++i) {
    const float* from = product.data + i * product.stride;
    float* row = c.data + i * c.stride;
    for (int64_t j = 0; j < n.N; ++j) {
      row[j] = n.alpha * from[j] + (n.beta == 0.0F ? 0.0F : n.beta * row[j]);
    }
  }
}

}  // namespace

void onednn_gemm(const GemmDims& n, MatrixView a, MatrixView b, MatrixOut c) {
  if (n.M == 0 || n.N == 0 || n.K == 0) {
    scale(n, c);
    return;
  }
  const OneOpenMpThread one_thread;
  const dnnl_status_t status = dnnl_sgemm(
      n.transpose_a == Transpose::kNo ? 'N' : 'T', n.transpose_b == Transpose::kNo ? 'N' : 'T', n.M,
      n.N, n.K, n.alpha, a.data, a.stride, b.data, b.stride, n.beta, c.data, c.stride);
  if (status != dnnl_success) {
    refuse(n, "f32", static_cast<int>(status));
  }
}

void onednn_gemm(const GemmDims& n, Bf16View a, Bf16View b, MatrixOut c) {
  if (n.M == 0 || n.N == 0 || n.K == 0) {
    scale(n, c);
    return;
  }
  const OneOpenMpThread one_thread;
  try {
    Bf16Matmul& matmul = Bf16Matmul::of_this_thread();
    if (n.alpha == 1.0F && (n.beta == 0.0F || n.beta == 1.0F)) {
      matmul.run(n, a, b, c, n.beta == 1.0F);
    } else {
      scaled_bf16_product(matmul, n, a, b, c);
    }
  } catch (const dnnl::error& error) {
    refuse(n, "bf16", static_cast<int>(error.status));
  }
}

}  // namespace switchyard::ops::linalg
