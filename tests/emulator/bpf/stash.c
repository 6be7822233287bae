// SPDX-License-Identifier: Apache-2.0
// An object and a task that one run leaves in a map and the next takes out of it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define __kptr __attribute__((btf_type_tag("kptr")))

char LICENSE[] SEC("license") = "GPL";

struct object { long value, other; };
struct task_struct { int pid; } __attribute__((preserve_access_index));
struct stash { struct object __kptr *object; struct task_struct __kptr *task; };
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, int);
  __type(value, struct stash);
} stashes SEC(".maps");

extern void *bpf_obj_new_impl(__u64 type, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *object, void *meta) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

SEC("syscall") int put(void *ctx) {
  int first = 0;
  struct stash *stash = bpf_map_lookup_elem(&stashes, &first);
  struct object *object;
  struct task_struct *task;
  if (!stash) return -1;
  object = bpf_obj_new_impl(__builtin_btf_type_id(*(struct object *)0, 0), 0);
  if (!object) return -2;
  object->value = 42;
  object = bpf_kptr_xchg(&stash->object, object);
  if (object) bpf_obj_drop_impl(object, 0);
  task = bpf_task_acquire(bpf_get_current_task_btf());
  if (!task) return -3;
  task = bpf_kptr_xchg(&stash->task, task);
  if (task) bpf_task_release(task);
  return 0;
}

SEC("syscall") int take(void *ctx) {
  int first = 0, found = 0;
  struct stash *stash = bpf_map_lookup_elem(&stashes, &first);
  struct object *object;
  struct task_struct *task;
  if (!stash) return -1;
  object = bpf_kptr_xchg(&stash->object, 0);
  if (object) {
    found += object->value;
    bpf_obj_drop_impl(object, 0);
  }
  task = bpf_kptr_xchg(&stash->task, 0);
  if (task) {
    found += task == bpf_get_current_task_btf() ? 100 : 1000;
    bpf_task_release(task);
  }
  return found;
}
