# SPDX-License-Identifier: Apache-2.0
find_package(CLI11 REQUIRED)
add_executable(drydock ${CMAKE_SOURCE_DIR}/cli/main.cc)
target_link_libraries(drydock PRIVATE drydock_cli)
target_link_libraries(drydock_cli PUBLIC CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt Threads::Threads)
set_target_properties(drydock PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
install(TARGETS drydock RUNTIME DESTINATION bin COMPONENT command)
