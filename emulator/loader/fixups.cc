// SPDX-License-Identifier: Apache-2.0
#include "emulator/loader/fixups.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace drydock {
namespace {

bool is_struct_ops(const bpf_map* map) { return bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS; }

bool is_storage(const bpf_map* map) {
  switch (bpf_map__type(map)) {
    case BPF_MAP_TYPE_SK_STORAGE:
    case BPF_MAP_TYPE_TASK_STORAGE:
    case BPF_MAP_TYPE_INODE_STORAGE:
    case BPF_MAP_TYPE_CGROUP_STORAGE:
    case BPF_MAP_TYPE_CGRP_STORAGE: return true;
    default: return false;
  }
}

/// Context struct (as user space and as the kernel name it) and the program type it suggests.
struct ContextGuess {
  std::string_view user, kernel;
  bpf_prog_type type;
  bpf_attach_type attach;
};
constexpr ContextGuess kGuesses[] = {
    {"__sk_buff", "sk_buff", BPF_PROG_TYPE_SCHED_CLS, {}},
    {"bpf_sock", "sock", BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND},
    {"bpf_sock_addr", "bpf_sock_addr_kern", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND},
    {"bpf_sock_ops", "bpf_sock_ops_kern", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS},
    {"sk_msg_md", "sk_msg", BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT},
    {"bpf_cgroup_dev_ctx", "bpf_cgroup_dev_ctx", BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE},
    {"bpf_sysctl", "bpf_sysctl_kern", BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL},
    {"bpf_sockopt", "bpf_sockopt_kern", BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT},
    {"sk_reuseport_md", "sk_reuseport_kern", BPF_PROG_TYPE_SK_REUSEPORT,
     BPF_SK_REUSEPORT_SELECT_OR_MIGRATE},
    {"bpf_sk_lookup", "bpf_sk_lookup_kern", BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP},
    {"xdp_md", "xdp_buff", BPF_PROG_TYPE_XDP, BPF_XDP},
    {"bpf_user_pt_regs_t", "pt_regs", BPF_PROG_TYPE_KPROBE, {}},
    {"bpf_perf_event_data", "bpf_perf_event_data_kern", BPF_PROG_TYPE_PERF_EVENT, {}},
    {"bpf_raw_tracepoint_args", "", BPF_PROG_TYPE_RAW_TRACEPOINT, {}},
};

const btf_type* without_modifiers(const btf* btf, const btf_type* type) {
  while (type && btf_is_mod(type)) type = btf__type_by_id(btf, type->type);
  return type;
}

// Name of the struct or typedef that the program's only argument points to, or nullptr.
const char* context_name(const btf* btf, const char* program) {
  int id = btf__find_by_name_kind(btf, program, BTF_KIND_FUNC);
  const btf_type* func = id > 0 ? btf__type_by_id(btf, static_cast<uint32_t>(id)) : nullptr;
  const btf_type* proto = func ? btf__type_by_id(btf, func->type) : nullptr;
  if (!proto || !btf_is_func_proto(proto) || btf_vlen(proto) != 1) return nullptr;
  const btf_type* pointer = without_modifiers(btf, btf__type_by_id(btf, btf_params(proto)[0].type));
  if (!pointer || !btf_is_ptr(pointer)) return nullptr;
  const btf_type* target = without_modifiers(btf, btf__type_by_id(btf, pointer->type));
  return target ? btf__name_by_offset(btf, target->name_off) : nullptr;
}

}  // namespace

void relax_maps(bpf_object* object) {
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    bpf_map__set_pin_path(map, nullptr);
    if (!is_storage(map) && !is_struct_ops(map) && bpf_map__max_entries(map) == 0)
      bpf_map__set_max_entries(map, 1);
  }
}

bool has_struct_ops_maps(bpf_object* object) {
  bpf_map* map;
  bpf_object__for_each_map(map, object) if (is_struct_ops(map)) return true;
  return false;
}

namespace {

/// Clears the members of a struct_ops map that hold another program; whether `program` is in it.
bool keep_only(const btf* btf, bpf_map* map, const bpf_program* program) {
  size_t size = 0;
  auto* data = static_cast<char*>(bpf_map__initial_value(map, &size));
  const btf_type* type = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
  bool found = false;
  if (!data || !type || !btf_is_struct(type)) return found;
  // libbpf keeps the bpf_program that a member names in the member itself.
  for (int i = 0; i < btf_vlen(type); ++i) {
    const btf_member& member = btf_members(type)[i];
    const btf_type* of = without_modifiers(btf, btf__type_by_id(btf, member.type));
    size_t at = member.offset / 8;
    if (!of || !btf_is_ptr(of) || at + sizeof program > size) continue;
    if (std::memcmp(data + at, &program, sizeof program) == 0) found = true;
    else std::memset(data + at, 0, sizeof program);
  }
  return found;
}

}  // namespace

void keep_only_in_struct_ops(bpf_object* object, const bpf_program* program) {
  const btf* btf = bpf_object__btf(object);
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    if (!btf || !is_struct_ops(map)) continue;
    // Nor is a map made that the program has no part in: the kernel may not know its struct.
    bpf_map__set_autocreate(map, keep_only(btf, map, program));
  }
}

void guess_freplace_type(bpf_object* object, bpf_program* program) {
  const btf* btf = bpf_object__btf(object);
  if (bpf_program__type(program) != BPF_PROG_TYPE_EXT || !btf) return;
  const char* name = context_name(btf, bpf_program__name(program));
  if (!name) return;
  for (const ContextGuess& guess : kGuesses) {
    if (guess.user != name && (guess.kernel.empty() || guess.kernel != name)) continue;
    bpf_program__set_type(program, guess.type);
    bpf_program__set_expected_attach_type(program, guess.attach);
    return;
  }
}

}  // namespace drydock
