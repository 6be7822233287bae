# SPDX-License-Identifier: Apache-2.0
# The library's own tests load the corpus; the package test installs the shared library.
add_dependencies(${TARGET} drydock_corpus drydock_shared)
target_compile_definitions(${TARGET} PRIVATE
  DRYDOCK_CMAKE="${CMAKE_COMMAND}" DRYDOCK_CXX="${CMAKE_CXX_COMPILER}"
  DRYDOCK_LAUNCHER="${CMAKE_CXX_COMPILER_LAUNCHER}" DRYDOCK_SANITIZE="${DRYDOCK_SANITIZE}")
