// SPDX-License-Identifier: Apache-2.0
// bpf_fastcall: the compiler may treat a call of such a function as clobbering r0 and its
// parameters only, and then wraps the call in spills and fills of what else is live, in slots that
// nothing else uses, so that kernels which know nothing of it are content. A kernel that inlines
// the call drops the pairs, and the slots no longer count towards the stack depth:
//
//     *(u64 *)(r10 - 8) = r1
//     call bpf_get_smp_processor_id
//     r1 = *(u64 *)(r10 - 8)
#include <algorithm>

#include "kernel/features.h"
#include "verifier/call_summary.h"
#include "verifier/cfg.h"
#include "verifier/fixups.h"

namespace drydock::verifier {
namespace {

constexpr int kMaxPairs = 6;

bool is_spill(const isa::Insn& insn) {
  return insn.code == (isa::kStx | isa::kMem | isa::kDw) && insn.dst == isa::kFramePointer;
}
bool is_fill(const isa::Insn& insn) {
  return insn.code == (isa::kLdx | isa::kMem | isa::kDw) && insn.src == isa::kFramePointer;
}

/// Marks the pairs around one call; they start at the function's lowest spill.
void mark_pattern(Env& env, Subprogram& subprog, int64_t call, int16_t lowest) {
  std::optional<CallSummary> summary = call_summary(env, env.code[call]);
  if (!summary) return;
  // Seen as if it were a fastcall: registers it may clobber need no saving.
  uint32_t expected = kCallerSaved & ~register_range(summary->is_void ? 1 : 0, summary->params);
  int16_t off = lowest;
  int pairs = 0;
  while (pairs < kMaxPairs) {
    int64_t before = call - pairs - 1, behind = call + pairs + 1;
    if (before < 0 || behind >= static_cast<int64_t>(env.code.size())) break;
    const isa::Insn &spill = env.code[before], &fill = env.code[behind];
    if (!is_spill(spill) || !is_fill(fill) || spill.src != fill.dst) break;
    if (!(expected >> spill.src & 1) || spill.off != off || fill.off != off) break;
    expected &= ~(1u << spill.src);
    env.facts[before].fastcall_pattern = env.facts[behind].fastcall_pattern = true;
    ++pairs;
    off = static_cast<int16_t>(off + kSlotBytes);
  }
  if (pairs == 0) return;
  // A function that newer kernels treat so, but not this one: the pairs stay, harmlessly.
  if (summary->fastcall) env.facts[call].fastcall_spills = static_cast<uint8_t>(pairs);
  else subprog.keep_fastcall_stack = true;
  subprog.fastcall_stack_off = std::min(subprog.fastcall_stack_off, off);
}

}  // namespace

Check mark_fastcall_patterns(Env& env) {
  if (!env.has(Feature::kFastcall)) return Check::ok();
  for (size_t s = 0; s < env.subprogs.size(); ++s) {
    Subprogram& subprog = env.subprogs[s];
    size_t end = env.subprog_end(s);
    int16_t lowest = 0;
    for (size_t i = subprog.start; i < end; ++i)
      if (is_spill(env.code[i])) lowest = std::min<int16_t>(lowest, env.code[i].off);
    for (size_t i = subprog.start; i < end; ++i)
      if (isa::is_call(env.code[i])) mark_pattern(env, subprog, static_cast<int64_t>(i), lowest);
  }
  return Check::ok();
}

Check drop_fastcall_spills(Env& env) {
  for (size_t s = 0; s < env.subprogs.size(); ++s) {
    Subprogram& subprog = env.subprogs[s];
    bool dropped = false;
    for (size_t i = subprog.start; i < env.subprog_end(s); ++i)
      dropped |= env.facts[i].fastcall_spills > 0;
    if (dropped && !subprog.keep_fastcall_stack)
      subprog.stack_depth = static_cast<uint16_t>(-subprog.fastcall_stack_off);
  }
  return Check::ok();
}

}  // namespace drydock::verifier
