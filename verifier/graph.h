// SPDX-License-Identifier: Apache-2.0
// Lists and trees of local objects. An owning reference is the sole holder of an object; once it
// is put in a collection the program keeps a non-owning one, good while the collection's lock is
// held.
//
// Kernel's counterpart: the graph parts of check_kfunc_args(), ref_convert_owning_non_owning().
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

struct KfuncMeta;

/// The struct of a BTF (the program's, or a map's) with special fields, or nullptr.
const StructMeta* find_struct_meta(const Env& env, const Btf* btf, uint32_t btf_id);
/// Special fields of what the register points to: a map value's or a local object's. nullptr when
/// it is neither, or has none.
const BtfRecord* record_of(const Env& env, const Register& reg);
/// The field of those kinds at the offset, or nullptr.
const BtfField* find_field(const Env& env, const Register& reg, uint32_t offset, FieldKinds kinds);
bool may_point_to_spin_lock(const Env& env, const Register& reg);
/// The register points to the node, inside the object, of what the root holds.
void set_graph_node(const Env& env, Register& reg, const BtfField& root);

inline bool is_local_object(RegType type) {
  return base_type(type) == kPtrToBtfId && (type & kMemAlloc);
}
inline bool is_non_owning_object(RegType type) {
  return is_local_object(type) && (type & kNonOwnRef);
}

/// Arguments that are a root or a node.
Check process_graph_root(Env& env, uint32_t regno, KfuncMeta& meta, FieldKind kind);
Check process_graph_node(Env& env, uint32_t regno, KfuncMeta& meta, FieldKind root_kind,
                         FieldKind node_kind);

}  // namespace drydock::verifier
