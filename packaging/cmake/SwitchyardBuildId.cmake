# SWITCHYARD_BUILD_ID: what an engine and its CUDA module must have in common, because they share C++
# types: version, compiler, build type's assertions and the text of the headers that lie between them,
# which are the two that the module's table is made of and all that these include.

# Appends to `result` the headers of engine/ given after it, as paths from engine/, and those that they
# include, and so on.
function(switchyard_included_headers result)
  set(_pending ${ARGN})
  set(_found "")
  while(_pending)
    list(POP_FRONT _pending _header)
    if(_header IN_LIST _found)
      continue()
    endif()
    list(APPEND _found "${_header}")
    file(STRINGS "${PROJECT_SOURCE_DIR}/engine/${_header}" _lines REGEX "^[ \t]*#[ \t]*include[ \t]*\"")
    foreach(_line IN LISTS _lines)
      string(REGEX REPLACE "^[^\"]*\"([^\"]*)\".*$" "\\1" _included "${_line}")
      if(EXISTS "${PROJECT_SOURCE_DIR}/engine/${_included}")
        list(APPEND _pending "${_included}")
      endif()
    endforeach()
  endwhile()
  list(SORT _found)
  set(${result} ${_found} PARENT_SCOPE)
endfunction()

switchyard_included_headers(_switchyard_shared_headers ops/kernels.h tensor/cuda_module.h)
set(_switchyard_hashes "")
foreach(_header IN LISTS _switchyard_shared_headers)
  file(SHA256 "${PROJECT_SOURCE_DIR}/engine/${_header}" _hash)
  string(APPEND _switchyard_hashes "${_header}${_hash}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/engine/${_header}")
endforeach()
string(SHA256 _switchyard_hashes "${_switchyard_hashes}")
string(SUBSTRING "${_switchyard_hashes}" 0 16 _switchyard_hashes)

set(SWITCHYARD_BUILD_ID
    "${PROJECT_VERSION} ${CMAKE_CXX_COMPILER_ID}-${CMAKE_CXX_COMPILER_VERSION} ${_switchyard_hashes}")
configure_file("${PROJECT_SOURCE_DIR}/engine/tensor/build_id.h.in"
               "${PROJECT_BINARY_DIR}/generated/tensor/build_id.h" @ONLY)
# For tests/engine/tensor/build_id_test.py.
list(JOIN _switchyard_shared_headers "\n" _switchyard_shared_headers)
file(WRITE "${PROJECT_BINARY_DIR}/generated/tensor/build_id_headers.txt" "${_switchyard_shared_headers}\n")
