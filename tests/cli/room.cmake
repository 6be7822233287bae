# SPDX-License-Identifier: Apache-2.0
# The command itself is run on the corpus and on the objects of the loader's tests.
add_dependencies(${TARGET} drydock drydock_corpus drydock_test_objects)
