// SPDX-License-Identifier: Apache-2.0
// Reduced from mutated programs on which Drydock and a kernel differed once (docs/parity.md).
#include "corpus.h"

#define NAKED(section, name) SEC(section) __attribute__((naked)) int name(void)
#define NAKED_FUNCTION(name) static __attribute__((naked, noinline, used)) int name(void)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u64);
	__uint(value_size, 48);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

// A packet load that fails ends the function it is in: its caller goes on with 0.
NAKED_FUNCTION(loads_absolute) { asm volatile("r6 = r1; r0 = *(u32*)skb[0]; r0 = 1; exit;"); }
NAKED_FUNCTION(loads_indirect) { asm volatile("r6 = r1; r7 = 0; r0 = *(u32*)skb[r7]; exit;"); }
NAKED("socket", packet_load_fails_in_function) { asm volatile("call loads_absolute; if r0 != 0 goto +1; r0 = r9; exit;"); }
NAKED("socket", packet_load_in_function) { asm volatile("call loads_indirect; exit;"); }
NAKED("socket", packet_load_then_unset) { asm volatile("call loads_indirect; r0 = r9; exit;"); }
NAKED("socket", packet_load_then_constant) { asm volatile("call loads_absolute; r0 = 0; exit;"); }
NAKED_FUNCTION(loads_and_uses_map) { asm volatile("r6 = r1; r0 = *(u8*)skb[0]; r7 = %[programs] ll; exit;" :: [programs]"i"(&programs)); }
NAKED("tc", packet_load_leaves_map) { asm volatile("call loads_and_uses_map; exit;"); }
NAKED_FUNCTION(loads_and_spills_narrow) { asm volatile("r6 = r1; r0 = *(u8*)skb[0]; r7 = %[programs] ll; *(u8*)(r10 - 80) = r7; exit;" :: [programs]"i"(&programs)); }
NAKED("tc", packet_load_before_narrow_spill) { asm volatile("call loads_and_spills_narrow; exit;"); }

// One prog array, reached on two ways: the second is covered by the first.
NAKED("socket", tail_call_on_two_ways) {
	asm volatile(
		"r0 = 0; *(u8*)(r1 + 48) = r0; r0 = *(u8*)(r1 + 48); if r0 == 13 goto 1f;"
		"r3 = 2; r2 = %[programs] ll; goto 2f;"
		"1: r3 = 2; r2 = %[programs] ll;"
		"2: call 12; r0 = 0; exit;" :: [programs]"i"(&programs));
}

// A context is read below its start. (A tracepoint's record has no fixed layout.)
NAKED("tracepoint/syscalls/sys_enter_write", record_below_start) { asm volatile("r6 = r1; r5 = *(u32*)(r6 - 484); r0 = 0; exit;"); }

// How long a stack trace was, its sign extended by shifts, moves a map value.
NAKED("tracepoint/syscalls/sys_enter_read", stack_length_by_shifts) {
	asm volatile(
		"r6 = r1; *(u64*)(r10 - 8) = r6; r2 = r10; r2 += -8; r1 = %[values] ll; call 1; if r0 == 0 goto 1f;"
		"r7 = r0; r1 = r6; r2 = r7; r3 = 0; r4 = 0; call 67;"
		"r8 = r0; r8 <<= 32; r8 s>>= 32; r2 = r7; r2 += r8; r0 = 0; exit; 1: r0 = 0; exit;" :: [values]"i"(&values));
}

// What is left of a linked number after a sign extension has no offset from it any more.
NAKED("socket", sign_extended_sum_is_not_linked) {
	asm volatile("r7 = *(u32*)(r1 + 0); r6 = r7; r7 += 0x7ffffff0; r0 = (s8)r7; r0 &= 7; r7 = r10; r7 += r0; r0 = 0; exit;");
}
NAKED("socket", sign_extended_sum_of_32_bits) {
	asm volatile("r7 = *(u32*)(r1 + 0); *(u64*)(r10 - 8) = r7; w7 += -2147483647; r0 = (s32)r7; r0 &= 7; r7 = r10; r7 += r0; r0 = 0; exit;");
}
// A signed load of a spilled number says nothing of the number that an unsigned one loads.
NAKED("socket", signed_load_is_not_linked) {
	asm volatile(
		"r6 = *(u32*)(r1 + 0); *(u64*)(r10 - 8) = r6; r7 = *(s32*)(r10 - 8); r8 = *(u32*)(r10 - 8);"
		"if r7 > 10 goto 1f; r0 = r10; r8 += -20; r0 += r8; r1 = *(u8*)(r0 + 0); 1: r0 = 0; exit;");
}

// A function that only a pointer names is dead. Removed from the end it leaves the pointer dangling;
// removed from the middle, its pointer names the one behind it.
NAKED_FUNCTION(called) { asm volatile("r0 = 0; exit;"); }
NAKED_FUNCTION(named_only) { asm volatile("r0 = 1; exit;"); }
NAKED_FUNCTION(called_behind) { asm volatile("r0 = 0; exit;"); }
NAKED("tc", pointer_to_removed_function) { asm volatile("call called; r2 = %[f] ll; r0 = 0; exit;" :: [f]"i"(named_only)); }
NAKED("tc", pointer_to_removed_function_alone) { asm volatile("r2 = %[f] ll; r0 = 0; exit;" :: [f]"i"(named_only)); }
NAKED("tc", pointer_to_replaced_function) { asm volatile("r2 = %[f] ll; call called_behind; exit;" :: [f]"i"(named_only)); }

// Keys and values of iterators are NULL at the end of the walk.
NAKED("iter/bpf_map_elem", iterator_value_unchecked) { asm volatile("r2 = *(u64*)(r1 + 16); r3 = *(u32*)(r2 + 0); r0 = 0; exit;"); }
NAKED("iter/bpf_map_elem", iterator_value_below_start) { asm volatile("r1 = *(u64*)(r1 + 24); r1 = *(u32*)(r1 - 4); r0 = 0; exit;"); }

// Two paths meet with the same pointer, known on one of them to be behind the packet's end. What 6.18.15 prunes
// there later kernels walk again.
NAKED("tc", paths_meet_at_packets_end)
{
	asm volatile(
		"r2 = *(u32 *)(r1 + 76);"
		"r3 = *(u32 *)(r1 + 80);"
		"r5 = 1; r6 = 2; r7 = 3; r8 = 4; r9 = 5; r0 = 0;"
		"r1 = *(u32 *)(r1 + 0);"
		"if r1 == 7 goto +1;"
		"r0 = 1;"
		"r4 = r2; r4 += 8;"
		"if r4 <= r3 goto +0;"
		"if r1 == 9 goto +7;"
		"r0 = r4; r0 -= r2;"
		"r5 = 1; r5 = 1; r5 = 1; r5 = 1; r5 = 1;"
		"r0 = r4; r0 -= r2; exit;");
}
