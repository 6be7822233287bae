# SPDX-License-Identifier: Apache-2.0
# libbpf, built from Debian's source with its ways to the machine redirected (scripts/build-libbpf).
# One build serves every preset.
set(DRYDOCK_LIBBPF_DIR ${CMAKE_SOURCE_DIR}/build/libbpf CACHE PATH "Where libbpf is built")
find_library(DRYDOCK_LIBELF elf REQUIRED)
add_custom_command(
  OUTPUT ${DRYDOCK_LIBBPF_DIR}/libdrydock_bpf.a ${DRYDOCK_LIBBPF_DIR}/stamp ${DRYDOCK_LIBBPF_DIR}/objects/libbpf.a
  COMMAND ${CMAKE_SOURCE_DIR}/scripts/build-libbpf ${DRYDOCK_LIBBPF_DIR}
  DEPENDS ${CMAKE_SOURCE_DIR}/scripts/build-libbpf
  COMMENT "libbpf" USES_TERMINAL VERBATIM)
add_custom_target(drydock_libbpf DEPENDS ${DRYDOCK_LIBBPF_DIR}/libdrydock_bpf.a)
add_dependencies(drydock_emulator drydock_libbpf)
target_include_directories(drydock_emulator SYSTEM PRIVATE
  ${DRYDOCK_LIBBPF_DIR}/include ${DRYDOCK_LIBBPF_DIR}/tree/include/uapi)
target_link_libraries(drydock_emulator PUBLIC
  ${DRYDOCK_LIBBPF_DIR}/libdrydock_bpf.a ${DRYDOCK_LIBELF} ZLIB::ZLIB)
