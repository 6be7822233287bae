# SPDX-License-Identifier: Apache-2.0
# The agent: a static program of its own, with libbpf as it is (not redirected), which the room
# carries inside the library. Built without sanitizers, from the few sources it shares with others.
file(GLOB DRYDOCK_AGENT_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/referee/agent/*.cc)
add_executable(drydock-agent ${DRYDOCK_AGENT_SOURCES}
  ${CMAKE_SOURCE_DIR}/base/file.cc
  ${CMAKE_SOURCE_DIR}/base/folders.cc
  ${CMAKE_SOURCE_DIR}/emulator/cases/case_programs.cc
  ${CMAKE_SOURCE_DIR}/emulator/cases/json_reader.cc
  ${CMAKE_SOURCE_DIR}/emulator/cases/values.cc
  ${CMAKE_SOURCE_DIR}/emulator/events/socket_address.cc
  ${CMAKE_SOURCE_DIR}/emulator/loader/fixups.cc
  ${CMAKE_SOURCE_DIR}/emulator/loader/libbpf_lines.cc
  ${CMAKE_SOURCE_DIR}/isa/encoding.cc
  ${CMAKE_SOURCE_DIR}/kernel/uapi.cc
  ${CMAKE_SOURCE_DIR}/referee/answer_kind.cc
  ${CMAKE_SOURCE_DIR}/referee/protocol.cc
  ${CMAKE_SOURCE_DIR}/verifier/log_lines.cc)
add_dependencies(drydock-agent drydock_libbpf)
find_library(DRYDOCK_STATIC_LIBELF libelf.a REQUIRED)
find_library(DRYDOCK_STATIC_ZLIB libz.a REQUIRED)
find_library(DRYDOCK_STATIC_ZSTD libzstd.a REQUIRED)
target_compile_options(drydock-agent PRIVATE -Wall -Wextra -Werror -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized> -Os -ffunction-sections -fdata-sections)
target_include_directories(drydock-agent PRIVATE ${CMAKE_SOURCE_DIR})
target_include_directories(drydock-agent SYSTEM PRIVATE
  ${DRYDOCK_LIBBPF_DIR}/include ${DRYDOCK_LIBBPF_DIR}/tree/include/uapi)
target_link_libraries(drydock-agent PRIVATE nlohmann_json::nlohmann_json fmt::fmt-header-only
  ${DRYDOCK_LIBBPF_DIR}/objects/libbpf.a
  ${DRYDOCK_STATIC_LIBELF} ${DRYDOCK_STATIC_ZLIB} ${DRYDOCK_STATIC_ZSTD})
target_link_options(drydock-agent PRIVATE -static -Wl,--gc-sections -s)
set_target_properties(drydock-agent PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

set(DRYDOCK_AGENT_PROGRAM ${CMAKE_BINARY_DIR}/drydock-agent)
configure_file(${CMAKE_SOURCE_DIR}/referee/agent_bytes.cc.in ${CMAKE_BINARY_DIR}/generated/agent_bytes.cc @ONLY)
set_source_files_properties(${CMAKE_BINARY_DIR}/generated/agent_bytes.cc PROPERTIES
  OBJECT_DEPENDS ${DRYDOCK_AGENT_PROGRAM})
target_sources(drydock_referee PRIVATE ${CMAKE_BINARY_DIR}/generated/agent_bytes.cc)
add_dependencies(drydock_referee drydock-agent)
