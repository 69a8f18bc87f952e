# SWITCHYARD_BUILD_ID: what an engine and its CUDA module must have in common, because they share C++
# types: version, compiler, build type's assertions and the text of the headers that lie between them.
set(_switchyard_shared_headers
    engine/core/error.h
    engine/core/function_ref.h
    engine/core/thread_pool.h
    engine/tensor/memory.h
    engine/tensor/cuda_module.h
    engine/ops/kernels.h
    engine/ops/generic/kernels.h
    engine/ops/linalg/kernels.h
    engine/ops/loss/kernels.h
    engine/ops/moe/kernels.h
    engine/ops/nn/kernels.h)

set(_switchyard_hashes "")
foreach(_header IN LISTS _switchyard_shared_headers)
  file(SHA256 "${PROJECT_SOURCE_DIR}/${_header}" _hash)
  string(APPEND _switchyard_hashes "${_hash}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${_header}")
endforeach()
string(SHA256 _switchyard_hashes "${_switchyard_hashes}")
string(SUBSTRING "${_switchyard_hashes}" 0 16 _switchyard_hashes)

set(SWITCHYARD_BUILD_ID
    "${PROJECT_VERSION} ${CMAKE_CXX_COMPILER_ID}-${CMAKE_CXX_COMPILER_VERSION} ${_switchyard_hashes}")
configure_file("${PROJECT_SOURCE_DIR}/engine/tensor/build_id.h.in"
               "${PROJECT_BINARY_DIR}/generated/tensor/build_id.h" @ONLY)
