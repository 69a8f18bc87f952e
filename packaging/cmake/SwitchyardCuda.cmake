# Enables CUDA where nvcc is found; SWITCHYARD_CUDA says whether it was. Without it everything but
# libswitchyard_cuda.so is built, and the programs run on the CPU.
set(SWITCHYARD_CUDA OFF)
if(NOT SWITCHYARD_BUILD_CUDA)
  message(STATUS "CUDA module: off (SWITCHYARD_BUILD_CUDA)")
  return()
endif()

if(NOT CMAKE_CUDA_COMPILER)
  find_program(SWITCHYARD_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_HOME PATHS /usr/local/cuda/bin PATH_SUFFIXES bin)
  if(SWITCHYARD_NVCC)
    set(CMAKE_CUDA_COMPILER "${SWITCHYARD_NVCC}")
  endif()
endif()
if(NOT CMAKE_CUDA_COMPILER)
  message(STATUS "CUDA module: not built, no nvcc found (the engine runs on the CPU without it)")
  return()
endif()

if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80 90) # before the language is enabled: it would set its own default
endif()
enable_language(CUDA)
# CMake 3.25 does not know how to ask nvcc for C++20.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION OR CMAKE_CUDA20_STANDARD_COMPILE_OPTION STREQUAL "")
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared) # else CUDA::cudart pulls in a second, static runtime
find_package(CUDAToolkit REQUIRED)
set(SWITCHYARD_CUDA ON)
message(STATUS "CUDA module: built by ${CMAKE_CUDA_COMPILER} for sm_${CMAKE_CUDA_ARCHITECTURES}")
