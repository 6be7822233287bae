// SPDX-License-Identifier: Apache-2.0
// Reduced from mutated programs on which Drydock and a kernel differed once: those that use an arena
// (docs/parity.md).
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 10);
	__ulong(map_extra, 0x1ull << 44);
} arena SEC(".maps");

// A number and an arena pointer make an arena pointer, whichever comes first.
SEC("raw_tp/sys_enter") __attribute__((naked)) int arena_pointer_on_the_right(void)
{
	asm volatile("r2 = %[arena] ll; r2 = addr_space_cast(r2, 0, 1); r3 = 0; r3 |= r2; *(u64*)(r3 + 0) = r3; r0 = 0; exit;"
		     :: [arena]"i"(&arena));
}
