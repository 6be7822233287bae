// SPDX-License-Identifier: Apache-2.0
// Calls of kernel functions (kfuncs).
#pragma once

#include "verifier/env.h"
#include "verifier/graph.h"
#include "verifier/kfunc_proto.h"
#include "verifier/kfunc_special.h"

namespace drydock::verifier {

/// A call's function, resolved, and what its arguments have shown.
struct KfuncMeta {
  const Btf* btf = nullptr;
  const BtfType* func_proto = nullptr;
  std::string_view func_name;
  uint32_t func_id = 0, flags = 0;
  SpecialKfunc special = SpecialKfunc::kNone;
  const KfuncProto* proto = nullptr;
  uint32_t ret_btf_id = 0;
  bool r0_rdonly = false;
  uint64_t r0_size = 0;
  uint32_t subprogno = 0;
  uint32_t ref_obj_id = 0;
  uint8_t release_regno = 0;
  struct {
    uint64_t value = 0;
    bool found = false;
  } arg_constant;
  const Btf* arg_btf = nullptr;
  uint32_t arg_btf_id = 0;
  bool arg_owning_ref = false, arg_prog = false;
  const BtfField* arg_list_head = nullptr;
  const BtfField* arg_rbtree_root = nullptr;
  struct {
    DynptrType type = DynptrType::kInvalid;
    uint32_t id = 0, ref_obj_id = 0;
  } initialized_dynptr;
  struct {
    uint8_t spi = 0, frameno = 0;
  } iter;
  const MapInfo* map_ptr = nullptr;
  uint32_t map_uid = 0;
  uint64_t mem_size = 0;
};

Check check_kfunc_call(Env& env, const isa::Insn& insn, uint32_t* next);
/// While subprograms are found: the kfunc is resolved and kept in env.kfuncs.
Check add_kfunc_call(Env& env, uint32_t func_id, int16_t offset);
const KfuncDesc* find_kfunc(const Env& env, uint32_t func_id, int16_t offset);
/// "bpf_rdonly_cast" for the disassembly of a call; "<error>" when its module's BTF cannot be
/// found.
std::string_view kfunc_name_for_disassembly(const Env& env, const isa::Insn& insn);
/// Fills what is known of the call's function before its arguments are looked at: 0, EINVAL (no
/// such function) or EACCES (not allowed for this program). No message.
int fetch_kfunc_meta(Env& env, const isa::Insn& insn, KfuncMeta& meta);
/// The arguments, in registers r1 to r5, against the function's BTF and flags (kfunc_args.cc).
Check check_kfunc_args(Env& env, KfuncMeta& meta, uint32_t insn);
/// The same in kernels before 6.2 (kfunc_args_classic.cc).
Check check_kfunc_args_classic(Env& env, KfuncMeta& meta);
/// r0 after the call (kfunc_return.cc).
Check set_kfunc_return(Env& env, KfuncMeta& meta, uint32_t insn);

/// Questions other files ask of a call instruction. All answer false for calls that are none of a
/// kfunc that the program may call.
bool is_sync_callback_kfunc(const Env& env, const isa::Insn& insn);
bool is_async_callback_kfunc(const Env& env, const isa::Insn& insn);
bool is_callback_kfunc(const Env& env, const isa::Insn& insn);
bool is_throw_kfunc(const Env& env, const isa::Insn& insn);
bool is_iter_next_kfunc(const Env& env, const isa::Insn& insn);
/// May it be called while a bpf_spin_lock is held (graph operations, numeric iterators, res locks)?
bool kfunc_allowed_under_lock(const Env& env, const isa::Insn& insn);
bool kfunc_is_fastcall(const Env& env, const isa::Insn& insn);
bool kfunc_changes_pkt_data(const Env& env, const isa::Insn& insn);
bool kfunc_might_sleep(const Env& env, const isa::Insn& insn);
bool kfunc_returns_void(const Env& env, const isa::Insn& insn);
/// Registers it takes; -1 when it is no kfunc that the program may call.
int kfunc_arg_count(const Env& env, const isa::Insn& insn);
/// The running callback is one of a tree's comparisons, which run under the tree's lock.
bool in_rbtree_lock_required_callback(const Env& env);

}  // namespace drydock::verifier
