// SPDX-License-Identifier: Apache-2.0
// Packets: bytes proven to be there by a comparison with the packet's end, and the old
// instructions (LD_ABS, LD_IND) that load from an skb.
#include "kernel/features.h"
#include "verifier/helper_call.h"
#include "verifier/memory_access.h"
#include "verifier/memory_access_text.h"
#include "verifier/references.h"
#include "verifier/registers.h"

namespace drydock::verifier {
namespace {

enum class PacketUse { kNone, kReadOnly, kReadWrite, kOwnBuffer };

/// What programs of a type may do with the packet (for sockopt programs: with the option's value,
/// which helpers have no part in).
PacketUse packet_use(ProgramType type) {
  switch (type) {
    case ProgramType::kLwtIn:
    case ProgramType::kLwtOut:
    case ProgramType::kLwtSeg6local:
    case ProgramType::kSkReuseport:
    case ProgramType::kFlowDissector:
    case ProgramType::kCgroupSkb: return PacketUse::kReadOnly;
    case ProgramType::kSchedCls:
    case ProgramType::kSchedAct:
    case ProgramType::kXdp:
    case ProgramType::kLwtXmit:
    case ProgramType::kSkSkb:
    case ProgramType::kSkMsg: return PacketUse::kReadWrite;
    case ProgramType::kCgroupSockopt: return PacketUse::kOwnBuffer;
    default: return PacketUse::kNone;
  }
}

bool has_ld_abs(ProgramType type) {
  return type == ProgramType::kSocketFilter || type == ProgramType::kSchedCls ||
         type == ProgramType::kSchedAct;
}

/// The implicit context register of LD_ABS and LD_IND.
constexpr uint32_t kSkbRegister = 6;
constexpr uint32_t kLastCallerSaved = 5;

}  // namespace

bool may_access_packet(Env& env, const CallMeta* meta, AccessType type) {
  PacketUse use = packet_use(env.type);
  bool write = type == AccessType::kWrite;
  if (use == PacketUse::kNone || (use == PacketUse::kReadOnly && write)) return false;
  if (use == PacketUse::kOwnBuffer) {
    env.seen_direct_write |= write;
    return true;
  }
  if (meta) return meta->pkt_access;
  env.seen_direct_write = true;
  return true;
}

Check check_packet_access(Env& env, uint32_t regno, int off, int size, bool zero_size_allowed) {
  const Register& reg = env.reg(static_cast<int>(regno));
  if (env.has(Feature::kOffsetsInBounds)) {
    if (reg.target.packet_range < 0)
      return env.reject(EINVAL, "R{} offset is outside of the packet\n", regno);
    return check_mem_region(env, regno, off, size, static_cast<uint32_t>(reg.target.packet_range),
                            zero_size_allowed);
  }
  if (reg.bounds.smin < 0)
    return env.reject(EACCES,
                      "R{} min value is negative, either use unsigned index or do a if (index >=0) "
                      "check.\n",
                      regno);
  // The variable part lies before the range that was proven, so only the fixed offset counts.
  int32_t range = reg.target.packet_range;
  Check inside = range < 0 ? Check::error(EINVAL)
                           : check_fixed_region(env, regno, off, size, static_cast<uint32_t>(range),
                                                zero_size_allowed);
  if (inside.failed()) env.verbose("R{} offset is outside of the packet\n", regno);
  return inside;
}

Check check_ld_abs(Env& env, const isa::Insn& insn) {
  bool indirect = isa::insn_mode(insn.code) == isa::kInd;
  if (!has_ld_abs(env.type))
    return env.reject(EINVAL, "BPF_LD_[ABS|IND] instructions not allowed for this program type\n");
  if (env.has(Feature::kLoadAbsoluteReturns))
    for (uint32_t i = env.state->curframe; i > 0; --i)
      if (env.state->frames[i]->in_callback)
        return env.reject(EINVAL, "cannot use BPF_LD_[ABS|IND] within callback\n");
  if (insn.dst != 0 || insn.off != 0 || isa::insn_size(insn.code) == isa::kDw ||
      (!indirect && insn.src != 0))
    return env.reject(EINVAL, "BPF_LD_[ABS|IND] uses reserved fields\n");
  DRYDOCK_TRY(check_reg_arg(env, kSkbRegister, RegUse::kRead));
  // A failed load ends the program there and then: nothing may be held.
  DRYDOCK_TRY(check_resource_leak(env, false, true, "BPF_LD_[ABS|IND]"));
  if (env.reg(kSkbRegister).type != kPtrToCtx)
    return env.reject(EINVAL, "at the time of BPF_LD_ABS|IND R6 != pointer to skb\n");
  if (indirect) DRYDOCK_TRY(check_reg_arg(env, insn.src, RegUse::kRead));
  DRYDOCK_TRY(check_ptr_off_reg(env, env.reg(kSkbRegister), kSkbRegister));
  // It is a call underneath: r1 to r5 are gone, r0 holds the data, 32 bits of it at most.
  for (uint32_t regno = 0; regno <= kLastCallerSaved; ++regno) {
    mark_not_init_in(env.regs(), regno);
    DRYDOCK_TRY(check_reg_arg(env, regno, RegUse::kWriteNoMark));
  }
  mark_unknown_in(env, env.regs(), 0);
  env.reg(0).subreg_def = static_cast<int32_t>(env.insn_idx + 1);
  return Check::ok();
}

}  // namespace drydock::verifier
