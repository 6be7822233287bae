// SPDX-License-Identifier: Apache-2.0
// Lists of local objects, by the kfuncs that came with 7.2: a node put behind another or taken out
// of the middle, and questions about the ends.
#include "corpus.h"

extern void *bpf_obj_new(__u64 local_type_id) __ksym;
extern void bpf_obj_drop(void *object) __ksym;
extern int bpf_list_push_back(struct bpf_list_head *head, struct bpf_list_node *node) __ksym;
extern struct bpf_list_node *bpf_list_front(struct bpf_list_head *head) __ksym;
extern int bpf_list_add(struct bpf_list_head *head, struct bpf_list_node *new,
			struct bpf_list_node *prev) __ksym;
extern struct bpf_list_node *bpf_list_del(struct bpf_list_head *head,
					  struct bpf_list_node *node) __ksym;
extern bool bpf_list_is_first(struct bpf_list_head *head, struct bpf_list_node *node) __ksym;
extern bool bpf_list_is_last(struct bpf_list_head *head, struct bpf_list_node *node) __ksym;
extern bool bpf_list_empty(struct bpf_list_head *head) __ksym;

#define node_of(pointer) ((struct entry *)((char *)(pointer) - __builtin_offsetof(struct entry, node)))
#define contains(type, member) __attribute__((btf_decl_tag("contains:" #type ":" #member)))

struct entry { __u64 value; struct bpf_list_node node; };

/* One section for the lock and what it guards; hidden, since no kernel maps such a section into the
 * loader's memory. */
#define GUARDED SEC(".data.guarded") __hidden __attribute__((aligned(8)))
struct bpf_spin_lock lock GUARDED;
struct bpf_list_head head GUARDED contains(entry, node);

static __always_inline struct entry *made(void)
{
	return bpf_obj_new(bpf_core_type_id_local(struct entry));
}

SEC("tc") int add_behind_front(struct __sk_buff *skb)
{
	struct entry *entry = made();
	struct bpf_list_node *front;

	if (!entry)
		return 0;
	bpf_spin_lock(&lock);
	front = bpf_list_front(&head);
	if (front)
		bpf_list_add(&head, &entry->node, front);
	else
		bpf_list_push_back(&head, &entry->node);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") int add_behind_owned(struct __sk_buff *skb)
{
	struct entry *first = made(), *second;

	if (!first)
		return 0;
	second = made();
	if (!second) {
		bpf_obj_drop(first);
		return 0;
	}
	bpf_spin_lock(&lock);
	bpf_list_add(&head, &first->node, &second->node);
	bpf_spin_unlock(&lock);
	bpf_obj_drop(second);
	return 0;
}

SEC("tc") int add_what_is_listed(struct __sk_buff *skb)
{
	struct bpf_list_node *front;

	bpf_spin_lock(&lock);
	front = bpf_list_front(&head);
	if (front)
		bpf_list_add(&head, front, front);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") int add_without_lock(struct __sk_buff *skb)
{
	struct entry *entry = made();

	if (!entry)
		return 0;
	bpf_list_add(&head, &entry->node, &entry->node);
	return 0;
}

SEC("tc") int add_leaks_nothing_twice(struct __sk_buff *skb)
{
	struct entry *entry = made();

	if (!entry)
		return 0;
	bpf_spin_lock(&lock);
	bpf_list_push_back(&head, &entry->node);
	bpf_list_add(&head, &entry->node, &entry->node);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") int del_front(struct __sk_buff *skb)
{
	struct bpf_list_node *front, *taken = NULL;

	bpf_spin_lock(&lock);
	front = bpf_list_front(&head);
	if (front)
		taken = bpf_list_del(&head, front);
	bpf_spin_unlock(&lock);
	if (taken)
		bpf_obj_drop(node_of(taken));
	return 0;
}

SEC("tc") int del_keeps_reference(struct __sk_buff *skb)
{
	struct bpf_list_node *front;

	bpf_spin_lock(&lock);
	front = bpf_list_front(&head);
	if (front)
		bpf_list_del(&head, front);
	bpf_spin_unlock(&lock);
	return 0;
}

SEC("tc") int del_owned(struct __sk_buff *skb)
{
	struct entry *entry = made();
	struct bpf_list_node *taken;

	if (!entry)
		return 0;
	bpf_spin_lock(&lock);
	taken = bpf_list_del(&head, &entry->node);
	bpf_spin_unlock(&lock);
	if (taken)
		bpf_obj_drop(node_of(taken));
	bpf_obj_drop(entry);
	return 0;
}

SEC("tc") int ends(struct __sk_buff *skb)
{
	struct bpf_list_node *front;
	int found = 0;

	bpf_spin_lock(&lock);
	if (!bpf_list_empty(&head)) {
		front = bpf_list_front(&head);
		if (front)
			found = bpf_list_is_first(&head, front) + bpf_list_is_last(&head, front);
	}
	bpf_spin_unlock(&lock);
	return found;
}

SEC("tc") int empty_without_lock(struct __sk_buff *skb)
{
	return bpf_list_empty(&head);
}

SEC("tc") int first_of_number(struct __sk_buff *skb)
{
	bool first;

	bpf_spin_lock(&lock);
	first = bpf_list_is_first(&head, (void *)(long)skb->len);
	bpf_spin_unlock(&lock);
	return first;
}
