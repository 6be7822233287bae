# SPDX-License-Identifier: Apache-2.0
# Questions to a real kernel and the tables of its answers, shared with other rooms' tests.
target_link_libraries(${TARGET} PRIVATE drydock_answer_tables)
