// SPDX-License-Identifier: Apache-2.0
// Objects of a program's own: made, shared, dropped, and kept in lists and red-black trees. The
// type of a new object is the program's first argument, as it is before the kernel's fix-ups.
#include <cerrno>

#include "helpers/graph_fields.h"
#include "helpers/local_objects.h"
#include "helpers/machine.h"
#include "kfuncs/functions.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

uint64_t make(Machine& machine, uint64_t type_id, uint32_t copies) {
  const auto& btf = machine.program_btf();
  if (!btf) return machine.unsupported("an object of a program without BTF");
  return machine.local_objects().make(btf, machine.profile(), static_cast<uint32_t>(type_id),
                                      copies);
}
uint64_t obj_new(Machine& machine, Args args) { return make(machine, args[0], 1); }
uint64_t percpu_obj_new(Machine& machine, Args args) {
  return make(machine, args[0], machine.cpu_count());
}
uint64_t obj_drop(Machine& machine, Args args) {
  drop_local_object(machine, args[0]);
  return 0;
}

uint64_t refcount_acquire(Machine& machine, Args args) {
  const LocalObject* object = machine.local_objects().at(args[0]);
  if (!object || !object->record || object->record->refcount_offset < 0) {
    machine.fault(machine.memory().explain(args[0], 1, Access::kWrite));
    return 0;
  }
  const uint64_t at = object->region->base + static_cast<uint64_t>(object->record->refcount_offset);
  auto count = machine.load<uint32_t>(at);
  if (!count || *count == 0 || !machine.store(at, *count + 1)) return 0;
  return args[0];
}

/// What could not be added anywhere is dropped, as its owner gave it away.
uint64_t added(Machine& machine, bool done, uint64_t node) {
  if (done || machine.interrupt() != Interrupt::kNone) return 0;
  drop_local_object(machine, node);
  return result(-EINVAL);
}

template <bool kBack>
uint64_t list_push(Machine& machine, Args args) {
  return added(machine, GraphList(machine, args[0]).push(args[1], kBack), args[1]);
}
template <bool kBack>
uint64_t list_pop(Machine& machine, Args args) {
  return GraphList(machine, args[0]).pop(kBack);
}
template <bool kBack>
uint64_t list_peek(Machine& machine, Args args) {
  return GraphList(machine, args[0]).peek(kBack);
}

uint64_t list_add(Machine& machine, Args args) {
  return added(machine, GraphList(machine, args[0]).add(args[1], args[2]), args[1]);
}
uint64_t list_del(Machine& machine, Args args) {
  return GraphList(machine, args[0]).remove(args[1]);
}
template <bool kBack>
uint64_t list_is_end(Machine& machine, Args args) {
  return GraphList(machine, args[0]).is_end(args[1], kBack);
}
uint64_t list_empty(Machine& machine, Args args) {
  return GraphList(machine, args[0]).peek(false) == 0;
}

uint64_t rbtree_add(Machine& machine, Args args) {
  auto less = [&](uint64_t node, uint64_t other) {
    const uint64_t callback[5] = {node, other};
    return machine.call_back(args[2], callback).value_or(0) != 0;
  };
  return added(machine, GraphTree(machine, args[0]).add(args[1], less), args[1]);
}
uint64_t rbtree_remove(Machine& machine, Args args) {
  return GraphTree(machine, args[0]).remove(args[1]) ? args[1] : 0;
}
uint64_t rbtree_first(Machine& machine, Args args) { return GraphTree(machine, args[0]).first(); }
uint64_t rbtree_root(Machine& machine, Args args) { return GraphTree(machine, args[0]).top(); }
uint64_t rbtree_left(Machine& machine, Args args) {
  GraphTree tree(machine, args[0]);
  return tree.holds(args[1]) ? tree.left(args[1]) : 0;
}
uint64_t rbtree_right(Machine& machine, Args args) {
  GraphTree tree(machine, args[0]);
  return tree.holds(args[1]) ? tree.right(args[1]) : 0;
}

constexpr KfuncEmulation kFunctions[] = {
    {"bpf_obj_new_impl", obj_new},
    {"bpf_obj_drop_impl", obj_drop},
    {"bpf_percpu_obj_new_impl", percpu_obj_new},
    {"bpf_percpu_obj_drop_impl", obj_drop},
    {"bpf_refcount_acquire_impl", refcount_acquire},
    {"bpf_list_push_front_impl", list_push<false>},
    {"bpf_list_push_back_impl", list_push<true>},
    {"bpf_list_pop_front", list_pop<false>},
    {"bpf_list_pop_back", list_pop<true>},
    {"bpf_list_front", list_peek<false>},
    {"bpf_list_back", list_peek<true>},
    {"bpf_list_add", list_add},
    {"bpf_list_del", list_del},
    {"bpf_list_is_first", list_is_end<false>},
    {"bpf_list_is_last", list_is_end<true>},
    {"bpf_list_empty", list_empty},
    {"bpf_rbtree_add_impl", rbtree_add},
    {"bpf_rbtree_remove", rbtree_remove},
    {"bpf_rbtree_first", rbtree_first},
    {"bpf_rbtree_root", rbtree_root},
    {"bpf_rbtree_left", rbtree_left},
    {"bpf_rbtree_right", rbtree_right},
    // From 7.1 on without the arguments that the kernel fills in.
    {"bpf_obj_new", obj_new},
    {"bpf_obj_drop", obj_drop},
    {"bpf_percpu_obj_new", percpu_obj_new},
    {"bpf_percpu_obj_drop", obj_drop},
    {"bpf_refcount_acquire", refcount_acquire},
    {"bpf_list_push_front", list_push<false>},
    {"bpf_list_push_back", list_push<true>},
    {"bpf_rbtree_add", rbtree_add},
};

}  // namespace

std::span<const KfuncEmulation> local_object_kfuncs() { return kFunctions; }

}  // namespace drydock
