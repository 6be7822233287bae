// SPDX-License-Identifier: Apache-2.0
#include "verifier/fixups.h"

#include <fmt/format.h>

#include <algorithm>

#include "helpers/helper_ids.h"
#include "kernel/features.h"
#include "verifier/iterators.h"

namespace drydock::verifier {
namespace {

constexpr int kLoopSpills = 3 * 8;  // an inlined bpf_loop saves r6 to r8
constexpr int kMayGotoStack = 16;   // the count, and when the loop began

uint16_t deeper(uint16_t depth, int bytes) { return static_cast<uint16_t>(depth + bytes); }

/// Calls of bpf_loop with one callback and no flags become loops, which need registers.
void account_inlined_loops(Env& env, size_t index) {
  Subprogram& subprog = env.subprogs[index];
  for (size_t i = subprog.start; i < env.subprog_end(index); ++i) {
    const isa::Insn& insn = env.code[i];
    if (!isa::is_helper_call(insn) || insn.imm != static_cast<int32_t>(helper_id::loop)) continue;
    if (!env.facts[i].loop_inlinable) continue;
    int roundup = -subprog.stack_depth & 7;
    subprog.stack_depth = deeper(subprog.stack_depth, kLoopSpills + roundup);
    return;
  }
}

bool is_dead(const Env& env, size_t index) {
  for (size_t i = env.subprogs[index].start; i < env.subprog_end(index); ++i)
    if (env.facts[i].seen) return false;
  return true;
}

void account_may_goto(Env& env, size_t index) {
  Subprogram& subprog = env.subprogs[index];
  for (size_t i = subprog.start; i < env.subprog_end(index); ++i) {
    // One that jumps nowhere is dropped as a no-op.
    if (!env.facts[i].seen || env.code[i].off == 0 ||
        !is_may_goto_insn(env, static_cast<uint32_t>(i)))
      continue;
    subprog.stack_extra = kMayGotoStack;
    subprog.stack_depth = deeper(subprog.stack_depth, kMayGotoStack);
    return;
  }
}

Check check_call(Env& env, uint32_t i) {
  const isa::Insn& insn = env.code[i];
  const InsnFacts& facts = env.facts[i];
  // Compilers leave such calls where they expect dead code.
  if (isa::is_kfunc_call(insn) && insn.imm == 0)
    return env.reject(EINVAL, "invalid kernel function call not eliminated in verifier pass\n");
  bool tail_call =
      isa::is_helper_call(insn) && insn.imm == static_cast<int32_t>(helper_id::tail_call);
  if (tail_call && facts.call_map_unpriv && facts.call_map_poisoned)
    return env.reject(EINVAL, "tail_call abusing map_ptr\n");
  return Check::ok();
}

// Functions that only a pointer names are dead, and go with the dead code. The pointers stay, and
// point at whatever comes to stand where their function was.

/// Where an instruction that is removed itself was, in the program without dead code: the kernel
/// removes run by run from the front, and moves what is behind a run.
size_t place_of_removed(const Env& env, size_t target) {
  size_t removed = 0;
  for (size_t i = 0; i < env.code.size();) {
    size_t end = i;
    while (end < env.code.size() && !env.facts[end].seen) ++end;
    const size_t run = end - i;
    if (target >= i - removed + run) target -= run;
    removed += run;
    i = end + 1;
  }
  return target;
}

/// Does a function that stays begin there, in the program without dead code?
bool begins_function(const Env& env, size_t place) {
  size_t live = 0, counted = 0;
  for (const Subprogram& subprog : env.subprogs) {
    for (; counted < subprog.start; ++counted) live += env.facts[counted].seen;
    if (!subprog.removed && live == place) return true;
  }
  for (; counted < env.code.size(); ++counted) live += env.facts[counted].seen;
  return env.hidden_subprogs && live == place;
}

/// A single function is compiled without asking whom it points to. The place that is told is that
/// before the kernel's other rewriting.
Check check_function_pointers(Env& env) {
  if (std::ranges::count(env.subprogs, false, &Subprogram::removed) + env.hidden_subprogs <= 1)
    return Check::ok();
  for (size_t i = 0; i + 1 < env.code.size(); ++i) {
    const isa::Insn& insn = env.code[i];
    if (!isa::is_ld_imm64(insn) || insn.src != isa::kPseudoFunc || !env.facts[i].seen) continue;
    const size_t target = i + 1 + static_cast<size_t>(insn.imm);
    if (env.facts[target].seen) continue;
    const size_t place = place_of_removed(env, target);
    if (begins_function(env, place)) continue;
    if (!env.has(Feature::kVerifierBugsTold)) return Check::error(EFAULT);
    return env.kernel_bug(fmt::format("No program to jit at insn {} (subprog < 0)", place));
  }
  return Check::ok();
}

}  // namespace

Check check_fixups(Env& env) {
  for (size_t s = 0; s < env.subprogs.size(); ++s) {
    account_inlined_loops(env, s);
    env.subprogs[s].removed = env.bpf_capable && is_dead(env, s);
  }
  for (const InsnFacts& facts : env.facts)
    if (facts.seen && facts.ctx_untranslated)
      return env.reject(EINVAL, "bpf verifier is misconfigured\n");
  for (uint32_t i = 0; i < env.code.size(); ++i)
    if (env.facts[i].seen || !env.bpf_capable) DRYDOCK_TRY(check_call(env, i));
  for (size_t s = 0; s < env.subprogs.size(); ++s) account_may_goto(env, s);
  // A program that throws without a callback of its own gets one that passes the value on.
  if (env.seen_exception && !env.exception_callback_subprog) env.hidden_subprogs = 1;
  return env.bpf_capable ? check_function_pointers(env) : Check::ok();
}

}  // namespace drydock::verifier
