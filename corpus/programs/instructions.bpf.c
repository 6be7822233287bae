// SPDX-License-Identifier: Apache-2.0
// Small faults, one instruction each.
#include "corpus.h"

#define NAKED(name) SEC("cgroup/sock_create") __attribute__((naked)) int name(void)

NAKED(good_spill) { asm volatile("*(u64*)(r10 - 8) = r1; r1 = *(u64*)(r10 - 8); r0 = *(u32*)(r1 + 4); r0 &= 1; exit;"); }
NAKED(good_atomic) { asm volatile("r1 = 1; *(u64*)(r10 - 8) = r1; lock *(u64*)(r10 - 8) += r1; r0 = *(u64*)(r10 - 8); r0 &= 1; exit;"); }
NAKED(good_bounds) { asm volatile("r2 = *(u32*)(r1 + 4); r2 &= 7; r3 = r10; r3 += -8; r4 = 0; *(u64*)(r10 - 8) = r4; r3 += r2; r0 = *(u8*)(r3 + 0); r0 &= 1; exit;"); }
NAKED(good_division) { asm volatile("r0 = 7; r1 = 0; r0 /= r1; r0 &= 1; exit;"); }
NAKED(good_loop) { asm volatile("r0 = 0; 1: r0 += 1; if r0 < 10 goto 1b; r0 = 1; exit;"); }
NAKED(reject_uninitialised) { asm volatile("r0 = r2; exit;"); }
NAKED(reject_no_return) { asm volatile("exit;"); }
NAKED(reject_frame_pointer) { asm volatile("r10 += 8; r0 = 1; exit;"); }
NAKED(reject_deep_stack) { asm volatile("r0 = 1; *(u64*)(r10 - 520) = r0; exit;"); }
NAKED(reject_above_stack) { asm volatile("r0 = 1; *(u64*)(r10 + 0) = r0; exit;"); }
NAKED(reject_stack_read) { asm volatile("r0 = *(u64*)(r10 - 8); exit;"); }
NAKED(reject_misaligned_stack) { asm volatile("r0 = 1; *(u64*)(r10 - 12) = r0; exit;"); }
NAKED(reject_pointer_multiply) { asm volatile("r1 *= 2; r0 = 1; exit;"); }
NAKED(reject_pointer_add) { asm volatile("r1 += r10; r0 = 1; exit;"); }
NAKED(reject_null_load) { asm volatile("r1 = 0; r0 = *(u32*)(r1 + 0); exit;"); }
NAKED(reject_unbounded) { asm volatile("r2 = *(u32*)(r1 + 4); r3 = r10; r3 += r2; r0 = *(u8*)(r3 + 0); exit;"); }
NAKED(reject_unreachable) { asm volatile("r0 = 1; exit; r0 = 2; exit;"); }
NAKED(reject_shift) { asm volatile("r0 = 1; r0 <<= 64; exit;"); }
NAKED(reject_unknown_helper) { asm volatile("call 9999; r0 = 1; exit;"); }
NAKED(reject_clobbered) { asm volatile("call 5; r0 = r1; exit;"); }
