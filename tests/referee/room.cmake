# SPDX-License-Identifier: Apache-2.0
# Real kernels are asked about an object of the loader's tests.
add_dependencies(${TARGET} drydock_test_objects drydock_corpus)
target_compile_definitions(${TARGET} PRIVATE DRYDOCK_TEST_OBJECTS="${CMAKE_BINARY_DIR}/tests/bpf")
