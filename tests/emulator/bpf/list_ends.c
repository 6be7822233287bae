// SPDX-License-Identifier: Apache-2.0
// Lists by the kfuncs of 7.2: nodes put behind others and taken out of the middle. What they return
// is what BPF_PROG_TEST_RUN of a 7.2.12 kernel gave.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "notes.h"

#define __contains(type, node) __attribute__((btf_decl_tag("contains:" #type ":" #node)))
#define private(name) SEC(".data." #name) static __attribute__((aligned(8)))

char LICENSE[] SEC("license") = "GPL";

extern void *bpf_obj_new(__u64 type) __ksym;
extern void bpf_obj_drop(void *object) __ksym;
extern int bpf_list_push_back(struct bpf_list_head *head, struct bpf_list_node *node) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __ksym;
extern struct bpf_list_node *bpf_list_front(struct bpf_list_head *head) __ksym;
extern struct bpf_list_node *bpf_list_back(struct bpf_list_head *head) __ksym;
extern int bpf_list_add(struct bpf_list_head *head, struct bpf_list_node *new, struct bpf_list_node *prev) __ksym;
extern struct bpf_list_node *bpf_list_del(struct bpf_list_head *head, struct bpf_list_node *node) __ksym;
extern _Bool bpf_list_is_first(struct bpf_list_head *head, struct bpf_list_node *node) __ksym;
extern _Bool bpf_list_is_last(struct bpf_list_head *head, struct bpf_list_node *node) __ksym;
extern _Bool bpf_list_empty(struct bpf_list_head *head) __ksym;

struct element {
  int key;
  struct bpf_list_node link;
};
#define new_element() ((struct element *)bpf_obj_new(__builtin_btf_type_id(*(struct element *)0, 0)))
#define element_of(node) ((struct element *)((char *)(node) - __builtin_offsetof(struct element, link)))

private(a) struct bpf_spin_lock lock;
private(a) struct bpf_list_head list __contains(element, link);
private(b) struct bpf_spin_lock other_lock;
private(b) struct bpf_list_head other_list __contains(element, link);

/* Adds an element at the end. */
static __always_inline int append(int key) {
  struct element *e = new_element();
  if (!e) return -1;
  e->key = key;
  bpf_spin_lock(&lock);
  int err = bpf_list_push_back(&list, &e->link);
  bpf_spin_unlock(&lock);
  return err;
}

/* Adds an element behind the first one. */
static __always_inline int insert(int key) {
  struct element *e = new_element();
  if (!e) return -1;
  e->key = key;
  int err = 0;
  bpf_spin_lock(&lock);
  struct bpf_list_node *front = bpf_list_front(&list);
  if (front) err = bpf_list_add(&list, &e->link, front);
  else err = bpf_list_push_back(&list, &e->link);
  bpf_spin_unlock(&lock);
  return err;
}

static __always_inline int take_first(void) {
  bpf_spin_lock(&lock);
  struct bpf_list_node *node = bpf_list_pop_front(&list);
  bpf_spin_unlock(&lock);
  if (!node) return 9;
  int key = element_of(node)->key;
  bpf_obj_drop(element_of(node));
  return key;
}

/* 1 and 3 stand there; 2 comes between. */
SEC("syscall") RETURNS(1239) int between(void *ctx) {
  if (append(1) || append(3) || insert(2)) return -1;
  int digits = take_first();
  digits = digits * 10 + take_first();
  digits = digits * 10 + take_first();
  return digits * 10 + take_first();
}

/* A node of another list is nothing to put one behind: what was given is dropped. */
SEC("syscall") RETURNS(-22) int behind_a_stranger(void *ctx) {
  struct element *stranger = new_element(), *e;
  if (!stranger) return -1;
  e = new_element();
  if (!e) {
    bpf_obj_drop(stranger);
    return -1;
  }
  bpf_spin_lock(&other_lock);
  int err = bpf_list_add(&other_list, &e->link, &stranger->link);
  bpf_spin_unlock(&other_lock);
  bpf_obj_drop(stranger);
  return err;
}

SEC("syscall") RETURNS(11) int deleted(void *ctx) {
  struct bpf_list_node *taken = NULL;
  if (append(1) || append(2)) return -1;
  bpf_spin_lock(&lock);
  struct bpf_list_node *back = bpf_list_back(&list);
  if (back) taken = bpf_list_del(&list, back);
  bpf_spin_unlock(&lock);
  if (!taken) return -2;
  bpf_obj_drop(element_of(taken));
  int last = take_first();
  bpf_spin_lock(&lock);
  int empty = bpf_list_empty(&list);
  bpf_spin_unlock(&lock);
  return last * 10 + empty;
}

/* Not in the list: nothing is taken out. */
SEC("syscall") RETURNS(0) int deleted_unlisted(void *ctx) {
  struct element *e = new_element();
  if (!e) return -1;
  bpf_spin_lock(&lock);
  struct bpf_list_node *taken = bpf_list_del(&list, &e->link);
  bpf_spin_unlock(&lock);
  bpf_obj_drop(e);
  if (!taken) return 0;
  bpf_obj_drop(element_of(taken));
  return 1;
}

/* Before there is anything, with one element, and with two: empty, first, last. */
SEC("syscall") RETURNS(101130) int ends(void *ctx) {
  int digits = 0;
  bpf_spin_lock(&lock);
  digits = bpf_list_empty(&list);
  bpf_spin_unlock(&lock);
  if (append(5)) return -1;
  bpf_spin_lock(&lock);
  struct bpf_list_node *front = bpf_list_front(&list);
  digits = digits * 10 + bpf_list_empty(&list);
  if (front) digits = (digits * 10 + bpf_list_is_first(&list, front)) * 10 + bpf_list_is_last(&list, front);
  bpf_spin_unlock(&lock);
  if (append(6)) return -1;
  bpf_spin_lock(&lock);
  front = bpf_list_front(&list);
  if (front) digits = (digits * 10 + bpf_list_is_first(&list, front) + 2) * 10 + bpf_list_is_last(&list, front);
  bpf_spin_unlock(&lock);
  take_first();
  take_first();
  return digits;
}
