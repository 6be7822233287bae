// SPDX-License-Identifier: Apache-2.0
#include "verifier/graph.h"

#include "kernel/features.h"
#include "verifier/btf_access.h"
#include "verifier/kfunc_call.h"
#include "verifier/references.h"

namespace drydock::verifier {
namespace {

const std::vector<StructMeta>& metas_of(const Env& env, const Btf* btf) {
  auto [entry, fresh] = env.struct_metas.try_emplace(btf);
  if (fresh)
    if (auto parsed = parse_struct_metas(*btf, *env.profile.btf(), env.profile.modules()))
      entry->second = std::move(*parsed);
  return entry->second;
}

/// The lock that protects the fields of what the register points to must be held.
bool is_locked(Env& env, const Register& reg) {
  const void* object = reg.type == kPtrToMapValue ? static_cast<const void*>(reg.target.map.ptr)
                                                  : static_cast<const void*>(reg.target.btf.btf);
  if (!env.state->active_locks) return false;
  for (RefKind kind : {RefKind::kLock, RefKind::kResLock, RefKind::kResLockIrq})
    if (find_lock_state(*env.state, kind, reg.id, object)) return true;
  env.verbose("held lock and object are not in the same allocation\n");
  return false;
}

Check unknown_kfunc(Env& env, FieldKind kind, const char* what) {
  return env.reject(EFAULT, "verifier internal error: {} {} arg for unknown kfunc\n", name_of(kind),
                    what);
}

Check check_constant_offset(Env& env, const Register& reg, uint32_t regno, FieldKind kind) {
  if (reg.bounds.is_const()) return Check::ok();
  return env.reject(EINVAL,
                    "R{} doesn't have constant offset. {} has to be at the constant offset\n",
                    regno, name_of(kind));
}

uint32_t total_offset(const Register& reg) {
  return static_cast<uint32_t>(reg.off + static_cast<int64_t>(reg.bounds.const_value()));
}

}  // namespace

const StructMeta* find_struct_meta(const Env& env, const Btf* btf, uint32_t btf_id) {
  if (!btf || btf->is_kernel()) return nullptr;
  return find_struct_meta(metas_of(env, btf), btf_id);
}

const BtfRecord* record_of(const Env& env, const Register& reg) {
  if (reg.type == kPtrToMapValue) return &reg.target.map.ptr->record;
  if (!is_local_object(reg.type)) return nullptr;
  const StructMeta* meta = find_struct_meta(env, reg.target.btf.btf, reg.target.btf.id);
  return meta ? &meta->record : nullptr;
}

const BtfField* find_field(const Env& env, const Register& reg, uint32_t offset, FieldKinds kinds) {
  const BtfRecord* record = record_of(env, reg);
  return record ? record->find(offset, kinds) : nullptr;
}

bool may_point_to_spin_lock(const Env& env, const Register& reg) {
  const BtfRecord* record = record_of(env, reg);
  return record && record->has_any(FieldKind::kSpinLock | FieldKind::kResSpinLock);
}

void set_graph_node(const Env& env, Register& reg, const BtfField& root) {
  reg.set_known_zero();
  reg.clear_target();
  reg.id = reg.ref_obj_id = 0;
  reg.type = kPtrToBtfId | kMemAlloc;
  reg.target.btf.btf = root.graph_btf;
  reg.target.btf.id = root.graph_value_id;
  if (env.has(Feature::kOffsetsInBounds)) reg.bounds.set_constant(root.graph_node_offset);
  else reg.off = static_cast<int32_t>(root.graph_node_offset);
}

Check process_graph_root(Env& env, uint32_t regno, KfuncMeta& meta, FieldKind kind) {
  if (!meta.btf->is_vmlinux()) return env.bug("unexpected btf mismatch in kfunc call");
  if (!in_group(meta.special, kind == FieldKind::kListHead ? kListApi : kRbtreeApi))
    return unknown_kfunc(env, kind, "head");

  Register& reg = env.reg(static_cast<int>(regno));
  DRYDOCK_TRY(check_constant_offset(env, reg, regno, kind));
  const BtfRecord* record = record_of(env, reg);
  uint32_t offset = total_offset(reg);
  const BtfField* field = record ? record->find(offset, static_cast<FieldKinds>(kind)) : nullptr;
  if (!field) return env.reject(EINVAL, "{} not found at offset={}\n", name_of(kind), offset);

  if (!is_locked(env, reg))
    return env.reject(EINVAL, "bpf_spin_lock at off={} must be held for {}\n",
                      record->spin_lock_offset, name_of(kind));

  const BtfField*& root = kind == FieldKind::kListHead ? meta.arg_list_head : meta.arg_rbtree_root;
  if (root) return env.bug(fmt::format("repeating {} arg", name_of(kind)));
  root = field;
  return Check::ok();
}

Check process_graph_node(Env& env, uint32_t regno, KfuncMeta& meta, FieldKind root_kind,
                         FieldKind node_kind) {
  if (!meta.btf->is_vmlinux()) return env.bug("unexpected btf mismatch in kfunc call");
  if (!in_group(meta.special, node_kind == FieldKind::kListNode ? kListNodeArg : kRbtreeNodeArg))
    return unknown_kfunc(env, node_kind, "node");

  Register& reg = env.reg(static_cast<int>(regno));
  DRYDOCK_TRY(check_constant_offset(env, reg, regno, node_kind));
  uint32_t offset = total_offset(reg);
  if (!find_field(env, reg, offset, static_cast<FieldKinds>(node_kind)))
    return env.reject(EINVAL, "{} not found at offset={}\n", name_of(node_kind), offset);

  // The root came first: it says what it holds, and where in it the node is.
  const BtfField* root =
      root_kind == FieldKind::kListHead ? meta.arg_list_head : meta.arg_rbtree_root;
  if (!root) return env.bug("a node argument without a root before it");
  const Btf* object_btf = reg.target.btf.btf;
  uint32_t object_id = reg.target.btf.id;
  std::string_view held = root->graph_btf->name_of(root->graph_value_id);
  if (!btf_struct_ids_match(env, object_btf, object_id, 0, root->graph_btf, root->graph_value_id,
                            true))
    return env.reject(EINVAL,
                      "operation on {} expects arg#1 {} at offset={} in struct {}, but arg is at "
                      "offset={} in struct {}\n",
                      name_of(root_kind), name_of(node_kind), root->graph_node_offset, held, offset,
                      object_btf->name_of(object_id));
  meta.arg_btf = object_btf;
  meta.arg_btf_id = object_id;
  if (offset != root->graph_node_offset)
    return env.reject(EINVAL, "arg#1 offset={}, but expected {} at offset={} in struct {}\n",
                      offset, name_of(node_kind), root->graph_node_offset, held);
  return Check::ok();
}

}  // namespace drydock::verifier
