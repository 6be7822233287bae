// SPDX-License-Identifier: Apache-2.0
// Reduced from mutated programs that a kernel accepts and that read beyond their stack. In an object of
// their own: naked functions leave the others of an object without types.
#include "corpus.h"

struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

/* Assembly alone leaves the functions it calls without types. */
__attribute__((used)) void types_of_iterators(void)
{
	bpf_iter_num_new(0, 0, 0);
	bpf_iter_num_next(0);
	bpf_iter_num_destroy(0);
}

#define ITERATOR [new] "i"(bpf_iter_num_new), [next] "i"(bpf_iter_num_next), [destroy] "i"(bpf_iter_num_destroy)

/* Kernels before 7.2 take the end of the stack for its last slot, where the iterator is, and read
 * beyond. The emulator stops it. */
SEC("tc") __attribute__((naked)) int iterator_above_stack(struct __sk_buff *skb)
{
	asm volatile("r1 = r10; r1 += -8; r2 = 0; r3 = 10; call %[new];"
		     "r1 = r10; call %[next];"
		     "r1 = r10; r1 += -8; call %[destroy]; r0 = 0; exit" ::ITERATOR : "memory");
}

SEC("tc") __attribute__((naked)) int iterator_destroyed_above_stack(struct __sk_buff *skb)
{
	asm volatile("r1 = r10; r1 += -8; r2 = 0; r3 = 10; call %[new];"
		     "r1 = r10; call %[destroy]; r0 = 0; exit" ::ITERATOR : "memory");
}

SEC("tc") __attribute__((naked)) int iterator_made_above_stack(struct __sk_buff *skb)
{
	asm volatile("r1 = r10; r2 = 0; r3 = 10; call %[new];"
		     "r1 = r10; r1 += -8; call %[destroy]; r0 = 0; exit" ::ITERATOR : "memory");
}
