// SPDX-License-Identifier: Apache-2.0
// Atomic instructions: read-modify-write, load-acquire, store-release.
#include "kernel/features.h"
#include "verifier/log.h"
#include "verifier/memory_access.h"
#include "verifier/memory_access_text.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

/// Of the read-modify-write operations inside an arena the JIT has no fetching and, or and xor: it
/// would have to loop around an access that may fault.
bool jit_has_arena_atomic(const isa::Insn& insn) {
  switch (insn.imm) {
    case isa::kAnd | isa::kFetch:
    case isa::kOr | isa::kFetch:
    case isa::kXor | isa::kFetch:
      return isa::insn_size(insn.code) != isa::kW && isa::insn_size(insn.code) != isa::kDw;
    default: return true;
  }
}

bool pointer_allows_atomics(const Register& reg, const isa::Insn& insn) {
  switch (reg.type) {
    case kPtrToCtx:
    case kPtrToFlowKeys:
    case kPtrToSocket:
    case kPtrToSockCommon:
    case kPtrToTcpSock:
    case kPtrToXdpSock: return false;
    case kPtrToArena: return jit_has_arena_atomic(insn);
    default: return !reg.is_packet_pointer();
  }
}

Check reject_pointer(Env& env, uint32_t regno, const char* what) {
  return env.reject(EACCES, "{} {} R{} {} is not allowed\n",
                    env.has(Feature::kAtomics) ? "BPF_ATOMIC" : "BPF_XADD", what, regno,
                    reg_type_str(env, env.reg(static_cast<int>(regno)).type));
}

Check no_leak(Env& env, uint32_t regno) {
  if (!is_pointer_value(env, regno)) return Check::ok();
  return env.reject(EACCES, "R{} leaks addr into mem\n", regno);
}

Check check_operands(Env& env, const isa::Insn& insn) {
  DRYDOCK_TRY(check_reg_arg(env, insn.src, RegUse::kRead));
  DRYDOCK_TRY(check_reg_arg(env, insn.dst, RegUse::kRead));
  if (insn.imm == isa::kCmpxchg) {
    DRYDOCK_TRY(check_reg_arg(env, 0, RegUse::kRead));
    DRYDOCK_TRY(no_leak(env, 0));
  }
  DRYDOCK_TRY(no_leak(env, insn.src));
  if (!pointer_allows_atomics(env.reg(insn.dst), insn))
    return reject_pointer(env, insn.dst, "stores into");
  return Check::ok();
}

Check access(Env& env, const isa::Insn& insn, AccessType type, int value_regno) {
  return check_mem_access(env, env.insn_idx, insn.dst, insn.off, isa::insn_size(insn.code), type,
                          value_regno, true, false);
}

Check check_read_modify_write(Env& env, const isa::Insn& insn) {
  uint8_t width = isa::insn_size(insn.code);
  if (width != isa::kW && width != isa::kDw)
    return env.reject(EINVAL, "invalid atomic operand size\n");
  DRYDOCK_TRY(check_operands(env, insn));
  int fetched = -1;
  if (insn.imm & isa::kFetch) {
    fetched = insn.imm == isa::kCmpxchg ? 0 : insn.src;
    DRYDOCK_TRY(check_reg_arg(env, static_cast<uint32_t>(fetched), RegUse::kWrite));
  }
  // Readable at all; then what the fetching register holds (a spilled value comes back); and
  // writable with something unknown.
  DRYDOCK_TRY(access(env, insn, AccessType::kRead, -1));
  if (fetched >= 0) DRYDOCK_TRY(access(env, insn, AccessType::kRead, fetched));
  if (env.reg(insn.dst).type == kPtrToArena) DRYDOCK_TRY(save_ptr_type(env, kPtrToArena, false));
  return access(env, insn, AccessType::kWrite, -1);
}

Check check_load_acquire(Env& env, const isa::Insn& insn) {
  DRYDOCK_TRY(check_load(env, insn, true, false, false, "atomic_load"));
  if (!pointer_allows_atomics(env.reg(insn.src), insn))
    return reject_pointer(env, insn.src, "loads from");
  return Check::ok();
}

Check check_store_release(Env& env, const isa::Insn& insn) {
  DRYDOCK_TRY(check_store_reg(env, insn, true));
  if (!pointer_allows_atomics(env.reg(insn.dst), insn))
    return reject_pointer(env, insn.dst, "stores into");
  return Check::ok();
}

bool is_read_modify_write(int32_t imm) {
  switch (imm & ~isa::kFetch) {
    case isa::kAdd:
    case isa::kAnd:
    case isa::kOr:
    case isa::kXor: return true;
    default: return imm == isa::kXchg || imm == isa::kCmpxchg;
  }
}

}  // namespace

Check check_atomic(Env& env, const isa::Insn& insn) {
  if (is_read_modify_write(insn.imm)) return check_read_modify_write(env, insn);
  if (env.has(Feature::kLoadAcquire)) {
    if (insn.imm == isa::kLoadAcq) return check_load_acquire(env, insn);
    if (insn.imm == isa::kStoreRel) return check_store_release(env, insn);
  }
  return env.reject(EINVAL, "BPF_ATOMIC uses invalid atomic opcode {:02x}\n",
                    static_cast<uint32_t>(insn.imm));
}

}  // namespace drydock::verifier
