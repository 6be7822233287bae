// SPDX-License-Identifier: Apache-2.0
// Objects that programs make, in lists and trees; CPU masks; text; exceptions. What they return is what
// BPF_PROG_TEST_RUN of a 6.18.44 kernel gave.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "notes.h"

#define __contains(type, node) __attribute__((btf_decl_tag("contains:" #type ":" #node)))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define private(name) SEC(".data." #name) static __attribute__((aligned(8)))

char LICENSE[] SEC("license") = "GPL";

struct cpumask { unsigned long bits[1]; } __attribute__((preserve_access_index));
struct bpf_cpumask { struct cpumask cpumask; } __attribute__((preserve_access_index));

extern void *bpf_obj_new_impl(__u64 type, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *object, void *meta) __ksym;
extern void *bpf_refcount_acquire_impl(void *object, void *meta) __ksym;
extern int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, __u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, __u64 off) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __ksym;
extern struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *head) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
                               _Bool(less)(struct bpf_rb_node *, const struct bpf_rb_node *), void *meta, __u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root, struct bpf_rb_node *node) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) __ksym;
extern struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *root) __ksym;
extern struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *root, struct bpf_rb_node *node) __ksym;
extern void bpf_throw(__u64 cookie) __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_setall(struct bpf_cpumask *mask) __ksym;
extern _Bool bpf_cpumask_test_and_clear_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern __u32 bpf_cpumask_first(const struct cpumask *mask) __ksym;
extern _Bool bpf_cpumask_full(const struct cpumask *mask) __ksym;
extern _Bool bpf_cpumask_empty(const struct cpumask *mask) __ksym;
extern int bpf_strcmp(const char *a, const char *b) __ksym;
extern int bpf_strchr(const char *text, char c) __ksym;
extern int bpf_strrchr(const char *text, int c) __ksym;
extern int bpf_strnlen(const char *text, __u64 most) __ksym;
extern int bpf_strspn(const char *text, const char *accept) __ksym;
extern int bpf_strcspn(const char *text, const char *reject) __ksym;
extern int bpf_strnstr(const char *text, const char *part, __u64 most) __ksym;

struct element {
  int key;
  struct bpf_list_node link;
  struct bpf_rb_node branch;
  struct bpf_refcount references;
};
#define new_element() \
  ((struct element *)bpf_obj_new_impl(__builtin_btf_type_id(*(struct element *)0, 0), 0))

private(a) struct bpf_spin_lock list_lock;
private(a) struct bpf_list_head list __contains(element, link);
private(b) struct bpf_spin_lock tree_lock;
private(b) struct bpf_rb_root tree __contains(element, branch);

/// Pushed to both ends, popped from one: 1000 at the front, then those of the back in order.
RETURNS(10003142)
SEC("tc") int list_keeps_its_order(struct __sk_buff *skb) {
  struct bpf_list_node *node;
  int i, all = 0;
  for (i = 0; i < 4; ++i) {
    struct element *e = new_element();
    if (!e) return -1;
    e->key = i == 0 ? 1000 : i == 1 ? 3 : i == 2 ? 14 : 2;
    bpf_spin_lock(&list_lock);
    if (i == 0)
      bpf_list_push_front_impl(&list, &e->link, 0, 0);
    else
      bpf_list_push_back_impl(&list, &e->link, 0, 0);
    bpf_spin_unlock(&list_lock);
  }
  for (i = 0; i < 4; ++i) {
    bpf_spin_lock(&list_lock);
    node = bpf_list_pop_front(&list);
    bpf_spin_unlock(&list_lock);
    if (!node) return -2;
    struct element *e = container_of(node, struct element, link);
    all = all * (e->key > 9 ? 100 : 10) + e->key;
    bpf_obj_drop_impl(e, 0);
  }
  bpf_spin_lock(&list_lock);
  node = bpf_list_pop_back(&list);
  bpf_spin_unlock(&list_lock);
  if (node) {
    bpf_obj_drop_impl(container_of(node, struct element, link), 0);
    return -3;
  }
  return all;
}

static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) {
  return container_of(a, struct element, branch)->key < container_of(b, struct element, branch)->key;
}

/// The keys of the root and of its left child, and of the first node.
static __always_inline unsigned int shape(unsigned int hash) {
  struct bpf_rb_node *root, *node;
  bpf_spin_lock(&tree_lock);
  root = bpf_rbtree_root(&tree);
  if (root) {
    hash = hash * 31 + container_of(root, struct element, branch)->key;
    node = bpf_rbtree_left(&tree, root);
    if (node) hash = hash * 31 + container_of(node, struct element, branch)->key;
  }
  node = bpf_rbtree_first(&tree);
  if (node) hash = hash * 31 + container_of(node, struct element, branch)->key;
  bpf_spin_unlock(&tree_lock);
  return hash;
}

/// After each of 40 additions, and while nodes are taken from the root until none is left.
RETURNS(1371675029)
SEC("tc") int tree_has_the_kernels_shape(struct __sk_buff *skb) {
  unsigned int hash = 7, key = 12345;
  int i;
  bpf_for(i, 0, 40) {
    struct element *e = new_element();
    if (!e) return -1;
    key = key * 1103515245 + 12345;
    e->key = key >> 16 & 255;
    bpf_spin_lock(&tree_lock);
    bpf_rbtree_add_impl(&tree, &e->branch, less, 0, 0);
    bpf_spin_unlock(&tree_lock);
    hash = shape(hash);
  }
  bpf_for(i, 0, 41) {
    struct bpf_rb_node *node;
    bpf_spin_lock(&tree_lock);
    node = bpf_rbtree_root(&tree);
    node = node ? bpf_rbtree_remove(&tree, node) : 0;
    bpf_spin_unlock(&tree_lock);
    if (!node) break;
    bpf_obj_drop_impl(container_of(node, struct element, branch), 0);
    hash = shape(hash);
  }
  return hash & 0x7fffffff;
}

/// In a list and in a tree at once: the second owner keeps it when the first is gone; an object that is
/// in a tree already is not taken twice.
RETURNS(42)
SEC("tc") int two_owners(struct __sk_buff *skb) {
  struct element *e = new_element(), *again;
  struct bpf_rb_node *node;
  struct bpf_list_node *popped;
  int key = -1, err;
  if (!e) return -1;
  e->key = 42;
  again = bpf_refcount_acquire_impl(e, 0);
  bpf_spin_lock(&tree_lock);
  bpf_rbtree_add_impl(&tree, &e->branch, less, 0, 0);
  bpf_spin_unlock(&tree_lock);
  bpf_spin_lock(&list_lock);
  bpf_list_push_front_impl(&list, &again->link, 0, 0);
  bpf_spin_unlock(&list_lock);
  bpf_spin_lock(&list_lock);
  popped = bpf_list_pop_front(&list);
  bpf_spin_unlock(&list_lock);
  if (!popped) return -2;
  again = container_of(popped, struct element, link);
  bpf_spin_lock(&tree_lock);
  err = bpf_rbtree_add_impl(&tree, &again->branch, less, 0, 0);
  bpf_spin_unlock(&tree_lock);
  bpf_spin_lock(&tree_lock);
  node = bpf_rbtree_first(&tree);
  node = node ? bpf_rbtree_remove(&tree, node) : 0;
  bpf_spin_unlock(&tree_lock);
  if (!node) return -3;
  e = container_of(node, struct element, branch);
  key = e->key;
  bpf_obj_drop_impl(e, 0);
  return err == -22 ? key : err;
}

RETURNS(15)
SEC("syscall") int cpu_masks(void *ctx) {
  struct bpf_cpumask *mask = bpf_cpumask_create();
  int good = 0;
  if (!mask) return -1;
  good |= bpf_cpumask_empty((struct cpumask *)mask) << 0;
  bpf_cpumask_set_cpu(0, mask);
  bpf_cpumask_set_cpu(1 << 20, mask);
  good |= (bpf_cpumask_first((struct cpumask *)mask) == 0) << 1;
  good |= bpf_cpumask_test_and_clear_cpu(0, mask) << 2;
  bpf_cpumask_setall(mask);
  good |= bpf_cpumask_full((struct cpumask *)mask) << 3;
  bpf_cpumask_release(mask);
  return good;
}

const char text[] = "drydock", part[] = "doc", other[] = "dry", none[] = "xyz";

RETURNS(1)
SEC("syscall") int text_compared(void *ctx) { return bpf_strcmp(text, other); }
RETURNS(3)
SEC("syscall") int text_character(void *ctx) { return bpf_strchr(text + 1, 'd') + bpf_strchr(text, 'r'); }
RETURNS(-2)
SEC("syscall") int text_no_character(void *ctx) { return bpf_strchr(text, 'z'); }
RETURNS(3)
SEC("syscall") int text_last_character(void *ctx) { return bpf_strrchr(text, 'd'); }
RETURNS(12)
SEC("syscall") int text_lengths(void *ctx) { return bpf_strnlen(text, 5) + bpf_strnlen(text, 100); }
RETURNS(42)
SEC("syscall") int text_spans(void *ctx) { return 10 * bpf_strspn(text, other) + bpf_strcspn(text, none); }
RETURNS(3)
SEC("syscall") int text_part(void *ctx) { return bpf_strnstr(text, part, 6); }
RETURNS(-2)
SEC("syscall") int text_part_too_far(void *ctx) { return bpf_strnstr(text, part, 5); }
RETURNS(-34)
SEC("syscall") int text_of_user_space(void *ctx) { return bpf_strcmp(text, (const char *)0x1000); }

__attribute__((noinline)) static int throws(int value) {
  if (value) bpf_throw(value);
  return 1;
}
int __attribute__((noinline)) caught(__u64 cookie) { return cookie + 100; }

RETURNS(7)
SEC("tc") int exception_without_callback(struct __sk_buff *skb) { return throws(7) + 1; }
RETURNS(109)
__attribute__((btf_decl_tag("exception_callback:caught")))
SEC("tc") int exception_with_callback(struct __sk_buff *skb) { return throws(9) + 1; }
RETURNS(2)
SEC("tc") int no_exception(struct __sk_buff *skb) { return throws(0) + 1; }
