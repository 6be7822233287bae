# SPDX-License-Identifier: Apache-2.0
# The small BPF objects that the loader's tests load, compiled from bpf/*.c.
find_program(DRYDOCK_BPF_CLANG NAMES clang-19 clang REQUIRED)
file(GLOB BPF_SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/emulator/bpf/*.c)
set(BPF_OBJECT_DIR ${CMAKE_BINARY_DIR}/tests/bpf)
file(MAKE_DIRECTORY ${BPF_OBJECT_DIR})
set(BPF_OBJECTS)
foreach(SOURCE ${BPF_SOURCES})
  get_filename_component(NAME ${SOURCE} NAME_WE)
  set(OBJECT ${BPF_OBJECT_DIR}/${NAME}.bpf.o)
  set(BPF_FLAGS -g -O2 --target=bpf -mcpu=v3 -Wall -Werror -D__TARGET_ARCH_x86)
  if(NAME MATCHES "^big_endian")
    list(APPEND BPF_FLAGS --target=bpfeb)
  endif()
  add_custom_command(OUTPUT ${OBJECT}
    COMMAND ${DRYDOCK_BPF_CLANG} ${BPF_FLAGS} -isystem ${DRYDOCK_LIBBPF_DIR}/include
            -isystem ${DRYDOCK_LIBBPF_DIR}/tree/include/uapi
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -c ${SOURCE} -o ${OBJECT}
    DEPENDS ${SOURCE} ${CMAKE_SOURCE_DIR}/tests/emulator/bpf/notes.h drydock_libbpf VERBATIM)
  list(APPEND BPF_OBJECTS ${OBJECT})
endforeach()
add_custom_target(drydock_test_objects DEPENDS ${BPF_OBJECTS})
add_dependencies(${TARGET} drydock_test_objects)
target_compile_definitions(${TARGET} PRIVATE DRYDOCK_TEST_OBJECTS="${BPF_OBJECT_DIR}")
# Mutated programs (tests/fuzz).
target_link_libraries(${TARGET} PRIVATE drydock_fuzzing)
