// SPDX-License-Identifier: Apache-2.0
// Which registers may be read after an instruction before they are written again: plain backward
// data flow over the CFG. Registers that are dead at a checkpoint are not compared.
#include "kernel/features.h"
#include "verifier/call_summary.h"
#include "verifier/cfg.h"
#include "verifier/kfunc_call.h"
#include "verifier/log.h"

namespace drydock::verifier {
namespace {

struct Effects {
  uint16_t def = 0, use = 0xffff;  // what is not known uses everything
};

uint16_t bit(unsigned reg) { return static_cast<uint16_t>(1u << reg); }

Effects effects_of_atomic(const isa::Insn& insn) {
  uint16_t dst = bit(insn.dst), src = bit(insn.src);
  switch (insn.imm) {
    case isa::kCmpxchg: return {bit(0), static_cast<uint16_t>(bit(0) | dst | src)};
    case isa::kLoadAcq: return {dst, src};
    case isa::kStoreRel: return {0, static_cast<uint16_t>(dst | src)};
    default: return {insn.imm & isa::kFetch ? src : uint16_t{0}, static_cast<uint16_t>(dst | src)};
  }
}

Effects effects_of_memory(const isa::Insn& insn) {
  uint16_t dst = bit(insn.dst), src = bit(insn.src);
  uint8_t mode = isa::insn_mode(insn.code);
  switch (isa::insn_class(insn.code)) {
    case isa::kLd: return isa::is_ld_imm64(insn) ? Effects{dst, 0} : Effects{};
    case isa::kLdx: return mode == isa::kMem || mode == isa::kMemsx ? Effects{dst, src} : Effects{};
    case isa::kSt: return mode == isa::kMem ? Effects{0, dst} : Effects{};
    default:
      if (mode == isa::kMem) return {0, static_cast<uint16_t>(dst | src)};
      return mode == isa::kAtomic ? effects_of_atomic(insn) : Effects{};
  }
}

Effects effects_of_alu(const isa::Insn& insn) {
  uint16_t dst = bit(insn.dst);
  uint16_t src = isa::insn_source(insn.code) == isa::kX ? bit(insn.src) : 0;
  switch (isa::insn_op(insn.code)) {
    case isa::kEnd: return {dst, dst};
    case isa::kMov: return {dst, src};
    default: return {dst, static_cast<uint16_t>(dst | src)};
  }
}

Effects effects_of_jump(const Env& env, const isa::Insn& insn) {
  switch (isa::insn_op(insn.code)) {
    case isa::kJa:
    case isa::kJcond: return {0, 0};
    case isa::kExit: return {0, bit(0)};
    case isa::kCall: {
      std::optional<CallSummary> call = call_summary(env, insn);
      return {kCallerSaved, static_cast<uint16_t>(register_range(1, call ? call->params : 5))};
    }
    default: {
      uint16_t src = isa::insn_source(insn.code) == isa::kX ? bit(insn.src) : 0;
      return {0, static_cast<uint16_t>(bit(insn.dst) | src)};
    }
  }
}

Effects effects_of(const Env& env, const isa::Insn& insn) {
  switch (isa::insn_class(insn.code)) {
    case isa::kAlu:
    case isa::kAlu64: return effects_of_alu(insn);
    case isa::kJmp:
    case isa::kJmp32: return effects_of_jump(env, insn);
    default: return effects_of_memory(insn);
  }
}

void print_live_registers(Env& env) {
  env.verbose("Live regs before insn:\n");
  for (uint32_t i = 0; i < env.code.size(); ++i) {
    const InsnFacts& facts = env.facts[i];
    if (facts.scc) env.verbose("{:3} ", facts.scc);
    else env.verbose("    ");
    std::string live;
    for (int reg = 0; reg < isa::kFramePointer; ++reg)
      live += facts.live_regs_before >> reg & 1 ? static_cast<char>('0' + reg) : '.';
    env.verbose("{:3}: {} ", i, live);
    env.log.append(insn_text(env, i));
    if (isa::is_ld_imm64(env.code[i])) ++i;
  }
}

}  // namespace

std::optional<CallSummary> call_summary(const Env& env, const isa::Insn& call) {
  if (isa::is_helper_call(call)) {
    HelperAvailability helper =
        helper_for(static_cast<HelperId>(call.imm), env.call_site(), env.profile);
    if (helper.kind != HelperAvailability::Kind::kAllowed) return std::nullopt;
    CallSummary summary;
    summary.fastcall = helper.row->flags & kHelperFastcall;
    summary.is_void = helper.row->ret == kRetVoid;
    while (summary.params < 5 && helper.row->args[summary.params].type != kArgNone)
      ++summary.params;
    return summary;
  }
  if (!isa::is_kfunc_call(call)) return std::nullopt;
  int params = kfunc_arg_count(env, call);
  if (params < 0) return std::nullopt;
  const KfuncDesc* kfunc = find_kfunc(env, static_cast<uint32_t>(call.imm), call.off);
  const BtfType* proto = kfunc && kfunc->btf ? kfunc->btf->type(kfunc->proto_id) : nullptr;
  return CallSummary{params, proto && proto->type() == 0, kfunc_is_fastcall(env, call)};
}

Check compute_live_registers(Env& env) {
  struct Live {
    Effects effects;
    uint16_t in = 0;
  };
  std::vector<Live> live(env.code.size());
  for (size_t i = 0; i < env.code.size(); ++i) live[i].effects = effects_of(env, env.code[i]);
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t insn : env.postorder) {
      uint32_t next[2];
      int count = insn_successors(env, insn, next);
      uint16_t out = 0;
      for (int i = 0; i < count; ++i) out |= live[next[i]].in;
      Live& at = live[insn];
      uint16_t in = static_cast<uint16_t>((out & ~at.effects.def) | at.effects.use);
      changed |= in != at.in;
      at.in = in;
    }
  }
  // Kernels without this pass know nothing before the walk.
  bool known = env.has(Feature::kLiveRegsBefore);
  for (size_t i = 0; i < env.code.size(); ++i)
    env.facts[i].live_regs_before = known ? live[i].in : 0xffff;
  if (known && env.log.level2()) print_live_registers(env);
  return Check::ok();
}

}  // namespace drydock::verifier
