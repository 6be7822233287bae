# SPDX-License-Identifier: Apache-2.0
# How every target of the project is built. A room is a folder, a static library and a place in
# the order of rooms; drydock_room() declares all three.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  find_program(MOLD_PROGRAM mold)
  if(MOLD_PROGRAM)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

add_library(drydock_flags INTERFACE)
target_compile_options(drydock_flags INTERFACE
  -Wall -Wextra -Werror -Wno-missing-field-initializers -fno-strict-aliasing)
# GCC 12 warns falsely about std::string's replace() when it optimises (its bug 105651).
target_compile_options(drydock_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized>)
# libstdc++ 12's own stable_sort uses a function that it deprecates; clang says so.
target_compile_options(drydock_flags INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>)
target_include_directories(drydock_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
if(DRYDOCK_SANITIZE)
  target_compile_options(drydock_flags INTERFACE
    -fsanitize=${DRYDOCK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(drydock_flags INTERFACE -fsanitize=${DRYDOCK_SANITIZE})
endif()

# drydock_room(NAME [USES ROOM...] [LINK TARGET...])
# Builds every source below NAME/ into the library drydock_NAME. A room that needs more (generated
# files, an own link step) says so in NAME/room.cmake, which is included after the target exists.
function(drydock_room NAME)
  cmake_parse_arguments(ROOM "" "" "USES;LINK" ${ARGN})
  file(GLOB_RECURSE SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${NAME}/*.cc)
  list(FILTER SOURCES EXCLUDE REGEX "/main\\.cc$|/${NAME}/agent/[^/]*$")
  set(TARGET drydock_${NAME})
  if(SOURCES)
    add_library(${TARGET} STATIC ${SOURCES})
    set(SCOPE PUBLIC)
  else()
    add_library(${TARGET} INTERFACE)
    set(SCOPE INTERFACE)
  endif()
  target_link_libraries(${TARGET} ${SCOPE} drydock_flags ${ROOM_LINK})
  foreach(USED ${ROOM_USES})
    target_link_libraries(${TARGET} ${SCOPE} drydock_${USED})
  endforeach()
  if(EXISTS ${CMAKE_SOURCE_DIR}/${NAME}/room.cmake)
    include(${CMAKE_SOURCE_DIR}/${NAME}/room.cmake)
  endif()
endfunction()

# drydock_room_tests(NAME): one test binary of all tests/NAME/*_test.cc, linked to the room.
function(drydock_room_tests NAME)
  file(GLOB SOURCES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${NAME}/*.cc)
  if(NOT SOURCES)
    return()
  endif()
  set(TARGET drydock_${NAME}_tests)
  add_executable(${TARGET} ${SOURCES})
  target_link_libraries(${TARGET} PRIVATE drydock_${NAME} GTest::gtest GTest::gtest_main ${ARGN})
  # GCC 12 warns falsely about vectors that are grown in tests (its bug 105329 and relatives).
  target_compile_options(${TARGET} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow -Wno-array-bounds>)
  target_compile_definitions(${TARGET} PRIVATE DRYDOCK_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                               DRYDOCK_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(EXISTS ${CMAKE_SOURCE_DIR}/tests/${NAME}/room.cmake)
    include(${CMAKE_SOURCE_DIR}/tests/${NAME}/room.cmake)
  endif()
  add_test(NAME ${NAME} COMMAND ${TARGET})
endfunction()
