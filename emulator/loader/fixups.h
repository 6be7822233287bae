// SPDX-License-Identifier: Apache-2.0
// What veristat changes in an object before it loads it (object.h says why we do the same).
#pragma once

struct bpf_object;
struct bpf_program;

namespace drydock {

/// Drops pin paths and gives maps without max_entries one entry.
void relax_maps(bpf_object* object);
bool has_struct_ops_maps(bpf_object* object);
/// Clears every other program from the object's struct_ops maps; those without `program` are not
/// made.
void keep_only_in_struct_ops(bpf_object* object, const bpf_program* program);
/// A freplace program becomes one of the type that its only argument suggests.
void guess_freplace_type(bpf_object* object, bpf_program* program);

}  // namespace drydock
