// SPDX-License-Identifier: Apache-2.0
// Reduced from mutated programs on which Drydock and a kernel differed once: those that call kfuncs
// (docs/parity.md).
#include "corpus.h"

extern void bpf_throw(__u64 cookie) __ksym;
extern void *bpf_obj_new_impl(__u64 local_type_id, void *meta) __ksym;
extern void *bpf_refcount_acquire_impl(void *object, void *meta) __ksym;
extern void *bpf_percpu_obj_new_impl(__u64 local_type_id, void *meta) __ksym;
extern void bpf_percpu_obj_drop_impl(void *object, void *meta) __ksym;

struct plain { __u64 a, b, c; };
#define OWN_TYPE_ID(type) bpf_core_type_id_local(type)

static __attribute__((noinline)) int throws(struct __sk_buff *skb)
{
	bpf_throw(0);
	return 0;
}

static __attribute__((noinline)) int throws_perhaps(struct __sk_buff *skb)
{
	if (skb->len)
		bpf_throw(0);
	return 1;
}

SEC("tc") int throw_in_rcu_section(struct __sk_buff *skb)
{
	bpf_rcu_read_lock();
	bpf_throw(0);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc") int throw_of_function_in_rcu_section(struct __sk_buff *skb)
{
	int value;

	bpf_rcu_read_lock();
	value = throws(skb);
	bpf_rcu_read_unlock();
	return value;
}

SEC("tc") int throw_of_function_perhaps(struct __sk_buff *skb)
{
	int value;

	bpf_rcu_read_lock();
	value = throws_perhaps(skb);
	bpf_rcu_read_unlock();
	return value;
}

SEC("tc") int throw_with_reference(struct __sk_buff *skb)
{
	void *object = bpf_obj_new_impl(OWN_TYPE_ID(struct plain), NULL);

	bpf_throw(0);
	return !object;
}

// Behind the throw nothing is walked; the jump back makes a loop of it all the same.
SEC("tc") int throw_in_loop(struct __sk_buff *skb)
{
	for (__u32 i = 0; i <= skb->len; i++)
		bpf_throw(0);
	return 0;
}

// An object of a type without special fields is counted by nobody.
SEC("tc") int count_of_plain_object(struct __sk_buff *skb)
{
	void *object = bpf_obj_new_impl(OWN_TYPE_ID(struct plain), NULL);

	if (object)
		bpf_refcount_acquire_impl(object, NULL);
	return 0;
}

struct with_percpu { struct plain __attribute__((btf_type_tag("percpu_kptr"))) *object; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct with_percpu);
} percpu_objects SEC(".maps");

SEC("tc") int percpu_object_or_null_into_map(struct __sk_buff *skb)
{
	__u32 first = 0;
	struct with_percpu *value = bpf_map_lookup_elem(&percpu_objects, &first);
	void *object;

	if (!value)
		return 0;
	object = bpf_percpu_obj_new_impl(OWN_TYPE_ID(struct plain), NULL);
	object = bpf_kptr_xchg(&value->object, object);
	if (object)
		bpf_percpu_obj_drop_impl(object, NULL);
	return 0;
}

__attribute__((noinline)) int throws_globally(struct __sk_buff *skb)
{
	if (skb->len)
		bpf_throw(0);
	return 0;
}

SEC("tc") int throw_of_global_function_in_loop(struct __sk_buff *skb)
{
	int sum = 0, i;

#pragma clang loop unroll(disable)
	for (i = 0; i < 10; i++) {
		sum += throws_globally(skb);
		asm volatile("" : "+r"(sum));
	}
	return sum;
}

SEC("tc") int throw_of_global_function_with_reference(struct __sk_buff *skb)
{
	struct plain *object = bpf_percpu_obj_new_impl(OWN_TYPE_ID(struct plain), NULL);
	int value;

	if (!object)
		return 0;
	value = throws_globally(skb);
	bpf_percpu_obj_drop_impl(object, NULL);
	return value;
}

SEC("tc") int throw_of_global_function_in_rcu_section(struct __sk_buff *skb)
{
	int value;

	bpf_rcu_read_lock();
	value = throws_globally(skb);
	bpf_rcu_read_unlock();
	return value;
}

/* The sum is the object, and holds no reference: the kernel takes it for its own mistake. */
SEC("tc") int object_added_to_number(struct __sk_buff *skb)
{
	struct plain *object = bpf_obj_new_impl(OWN_TYPE_ID(struct plain), NULL);

	if (!object)
		return 0;
	asm volatile("r1 = 1; r1 += %[object]; r2 = 0; *(u8 *)(r1 +0) = r2;" ::[object] "r"(object)
		     : "r1", "r2", "memory");
	bpf_throw(0);
	return 0;
}
