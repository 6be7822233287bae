// SPDX-License-Identifier: Apache-2.0
// Calls of helpers: arguments against the row, effects, what r0 becomes.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

/// What a call has learnt of its arguments so far (helpers and kfuncs).
struct CallMeta {
  const MapInfo* map_ptr = nullptr;
  uint32_t map_uid = 0;
  bool raw_mode = false, pkt_access = false;
  uint8_t release_regno = 0;
  int regno = 0, access_size = 0, mem_size = 0;
  uint64_t msize_max_value = 0;
  uint32_t ref_obj_id = 0, dynptr_id = 0;
  int func_id = 0;
  const Btf* btf = nullptr;
  uint32_t btf_id = 0;
  const Btf* ret_btf = nullptr;
  uint32_t ret_btf_id = 0;
  uint32_t subprogno = 0;
  const BtfField* kptr_field = nullptr;
  int64_t const_map_key = -1;
};

Check check_helper_call(Env& env, const isa::Insn& insn, uint32_t* next);
/// One argument against one kind; shared with subprograms (global functions).
Check check_func_arg(Env& env, uint32_t arg, CallMeta& meta, const HelperRow& row, uint32_t insn);
/// A map's type against the helper's ("cannot pass map_type %d into func %s#%d").
Check check_map_func_compatibility(Env& env, const MapInfo* map, uint32_t func_id);
/// Forgets packet pointers of every frame.
void clear_all_pkt_pointers(Env& env);
Check check_packet_data_change(Env& env);
/// NUL-terminated read-only string in a frozen map ("R%d is not a const string").
Check check_reg_const_str(Env& env, Register& reg, uint32_t regno);
std::string helper_name(const Env& env, uint32_t id);
bool helper_might_sleep(const Env& env, uint32_t id);

}  // namespace drydock::verifier
