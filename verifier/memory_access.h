// SPDX-License-Identifier: Apache-2.0
// Loads and stores: one place that asks, for each kind of pointer, whether the access is fine.
#pragma once

#include "verifier/env.h"

namespace drydock::verifier {

enum class AccessType { kRead, kWrite };

/// What a helper or kfunc call has learnt of its arguments so far.
struct CallMeta;

/// *(regno + off) of `size` bytes. value_regno: register loaded or stored; -1 for an immediate or
/// none. `once`: the alignment must hold even where the machine would not mind.
Check check_mem_access(Env& env, uint32_t insn, uint32_t regno, int off, uint8_t size_code,
                       AccessType type, int value_regno, bool strict_alignment_once,
                       bool sign_extending);
Check check_load(Env& env, const isa::Insn& insn, bool strict_alignment_once, bool sign_extending,
                 bool allow_trust_mismatch, const char* context);
Check check_store_reg(Env& env, const isa::Insn& insn, bool strict_alignment_once);
Check check_atomic(Env& env, const isa::Insn& insn);
Check check_ld_imm(Env& env, const isa::Insn& insn);  // LD_IMM64, all forms
Check check_ld_abs(Env& env, const isa::Insn& insn);
/// The pointer type at this instruction must be the same on all paths ("same insn cannot be used
/// with different pointers").
Check save_ptr_type(Env& env, RegType type, bool allow_trust_mismatch);

/// Memory behind a pointer argument of `size` bytes, whatever kind of memory it is.
Check check_helper_mem_access(Env& env, uint32_t regno, int size, AccessType type,
                              bool zero_size_allowed, CallMeta* meta);
/// Memory behind regno-1 whose size is in regno.
Check check_mem_size_reg(Env& env, Register& size_reg, uint32_t size_regno, AccessType type,
                         bool zero_size_allowed, CallMeta* meta);
/// Memory of a fixed size behind a global function's or kfunc's pointer argument.
Check check_mem_reg(Env& env, Register& reg, uint32_t regno, uint32_t size);
Check check_kfunc_mem_size_reg(Env& env, Register& mem_reg, Register& size_reg, uint32_t mem_regno,
                               uint32_t size_regno);

/// Region of mem_size bytes: is [off + var, + size) inside? Used by map values, memory, packets.
/// The same at one constant offset, whatever variable part the register has.
Check check_fixed_region(Env& env, uint32_t regno, int off, int size, uint32_t mem_size,
                         bool zero_size_allowed);
Check check_mem_region(Env& env, uint32_t regno, int off, int size, uint32_t mem_size,
                       bool zero_size_allowed);
Check check_map_access(Env& env, uint32_t regno, int off, int size, bool zero_size_allowed,
                       bool from_helper);
Check check_map_access_type(Env& env, uint32_t regno, int off, int size, AccessType type);
Check check_packet_access(Env& env, uint32_t regno, int off, int size, bool zero_size_allowed);
bool may_access_packet(Env& env, const CallMeta* meta, AccessType type);
/// Buffers of unknown size (tracepoints, iterators): any constant offset from their start. `kind`
/// is "tracepoint", "rdonly" or "rdwr".
Check check_buffer_access(Env& env, const Register& reg, uint32_t regno, int off, int size,
                          const char* kind);
/// What is known already, within [range.min, range.max] as a 32-bit signed number.
Check narrow_to_s32_range(Env& env, Register& reg, RetvalRange range);
/// Alignment of an access through the pointer ("misaligned %saccess off %s+%d+%d size %d").
Check check_ptr_alignment(Env& env, const Register& reg, int off, int size,
                          bool strict_alignment_once);
/// The pointer must have no offset of its own ("... must have zero offset when passed to ...").
Check check_ptr_off_reg(Env& env, const Register& reg, uint32_t regno);
/// The same, where a fixed offset that is not negative may be allowed.
Check check_ptr_off_reg(Env& env, const Register& reg, uint32_t regno, bool fixed_off_ok);
Check check_func_arg_reg_off(Env& env, const Register& reg, uint32_t regno, ArgType arg_type);
bool is_ctx_reg(Env& env, uint32_t regno);
bool is_pkt_reg(Env& env, uint32_t regno);

}  // namespace drydock::verifier
