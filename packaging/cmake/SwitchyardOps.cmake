# switchyard_ops(FAMILY OP...): the ops of engine/ops/FAMILY. An op is OP.h and OP.cpp (meaning and
# checks), OP_cpu.cpp and, where it exists, OP_cuda.cu. The files of a device end with a function
# add_OP_<device>(Kernels&), which enters the op's kernels into the family's table; this function writes
# cpu_kernels() and cuda_kernels(), which call them all.
#
# Sets in the caller's scope, by appending: SWITCHYARD_OPS_SOURCES, SWITCHYARD_OPS_KERNELS (compiled with
# SWITCHYARD_KERNEL_OPTIONS); and the global property SWITCHYARD_CUDA_KERNELS, sources of the CUDA module.
function(switchyard_ops family)
  set(_folder "${PROJECT_SOURCE_DIR}/engine/ops/${family}")
  set(_cuda_files "")
  foreach(_device cpu cuda)
    set(declarations "")
    set(calls "")
    set(device ${_device})
    set(_suffix "_cpu.cpp")
    if(_device STREQUAL "cuda")
      set(_suffix "_cuda.cu")
    endif()
    foreach(_op IN LISTS ARGN)
      set(_file "${_folder}/${_op}${_suffix}")
      if(EXISTS "${_file}")
        string(APPEND declarations "void add_${_op}_${_device}(Kernels& kernels);\n")
        string(APPEND calls "  add_${_op}_${_device}(kernels);\n")
        if(_device STREQUAL "cuda")
          list(APPEND _cuda_files "${_file}")
        else()
          list(APPEND SWITCHYARD_OPS_KERNELS "${_file}")
        endif()
      endif()
    endforeach()
    configure_file("${PROJECT_SOURCE_DIR}/engine/ops/kernels_of_family.cpp.in"
                   "${PROJECT_BINARY_DIR}/generated/ops/${family}/kernels_${_device}.cpp" @ONLY)
  endforeach()
  foreach(_op IN LISTS ARGN)
    list(APPEND SWITCHYARD_OPS_SOURCES "${_folder}/${_op}.cpp")
  endforeach()
  list(APPEND SWITCHYARD_OPS_SOURCES "${PROJECT_BINARY_DIR}/generated/ops/${family}/kernels_cpu.cpp")
  set_property(GLOBAL APPEND PROPERTY SWITCHYARD_CUDA_KERNELS ${_cuda_files}
                                      "${PROJECT_BINARY_DIR}/generated/ops/${family}/kernels_cuda.cpp")
  set(SWITCHYARD_OPS_SOURCES ${SWITCHYARD_OPS_SOURCES} PARENT_SCOPE)
  set(SWITCHYARD_OPS_KERNELS ${SWITCHYARD_OPS_KERNELS} PARENT_SCOPE)
endfunction()
