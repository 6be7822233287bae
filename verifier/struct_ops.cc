// SPDX-License-Identifier: Apache-2.0
#include "verifier/struct_ops.h"
#include "kernel/features.h"

#include <algorithm>

#include "verifier/btf_context.h"
#include "verifier/memory_access_text.h"
#include "verifier/program_setup.h"

namespace drydock::verifier {
namespace {

/// TCP congestion control: whatever is declared as a socket is a TCP socket.
bool tcp_congestion_access(Env& env, int off, int size, ContextAccess* access) {
  if (!btf_argument_access(env, off, size, access)) return false;
  const Btf& btf = *env.profile.btf();
  if (base_type(access->yields) == kPtrToBtfId && !has_unsafe_flags(access->yields) &&
      access->btf_id == btf.find("sock", BtfKind::kStruct))
    access->btf_id = btf.find("tcp_sock", BtfKind::kStruct);
  return true;
}

/// enqueue's list of packets to free is opaque, of a type made up for it.
bool qdisc_access(Env& env, int off, int size, ContextAccess* access) {
  constexpr uint32_t kToFree = 2;
  const Btf& btf = *env.attach.btf;
  if (env.attach.func_name == "enqueue" &&
      context_argument_at(btf, env.attach.func_proto, off) == kToFree) {
    access->yields = kPtrToBtfId | kPtrTrusted;
    access->btf = &btf;
    access->btf_id = btf.find("bpf_sk_buff_ptr", BtfKind::kStruct);
    return true;
  }
  return btf_argument_access(env, off, size, access);
}

constexpr StructOpsRow kRows[] = {
    {.name = "tcp_congestion_ops",
     .stub_prefixes = {"bpf_tcp_ca_", "__bpf_tcp_ca_"},
     .all_sleepable = true,
     .context_access = tcp_congestion_access,
     .write = write_tcp_sock},
    {.name = "bpf_dummy_ops",
     .stub_prefixes = {"bpf_dummy_ops__", "bpf_dummy_"},
     .sleepable = {"test_sleepable"},
     .write = write_dummy_state},
    {.name = "sched_ext_ops",
     .stub_prefixes = {"sched_ext_ops__"},
     .sleepable = {"init_task", "cgroup_init", "cgroup_exit", "cgroup_prep_move", "cpu_online",
                   "cpu_offline", "init", "exit"},
     .write = write_scx_task},
    {.name = "Qdisc_ops",
     .stub_prefixes = {"Qdisc_ops__"},
     .all_sleepable = true,
     .context_access = qdisc_access,
     .write = write_qdisc},
    {.name = "hid_bpf_ops",
     .stub_prefixes = {"__hid_bpf_"},
     .member_prefix = "hid_",
     .sleepable = {"hid_rdesc_fixup", "hid_hw_request", "hid_hw_output_report"},
     .write = write_hid},
};

/// The stub function of a member in the BTF, or nullptr: the kernel does not take the member.
const BtfType* stub_prototype(const Btf& btf, const StructOpsRow& row, std::string_view member) {
  std::string_view stem = member;
  if (stem.starts_with(row.member_prefix)) stem.remove_prefix(row.member_prefix.size());
  // The second form of a name is for members whose first form is another function (an init that
  // registers the struct itself): it wins where there is one.
  for (auto prefix = row.stub_prefixes.rbegin(); prefix != row.stub_prefixes.rend(); ++prefix) {
    if (prefix->empty()) continue;
    const BtfType* func =
        btf.type(btf.find(std::string(*prefix) + std::string(stem), BtfKind::kFunc));
    if (func && func->kind() == BtfKind::kFunc) return btf.type(func->type());
  }
  return nullptr;
}

/// The prototype behind a member that is a function pointer, or nullptr.
const BtfType* function_pointer(const Btf& btf, uint32_t type_id) {
  const BtfType* target = btf.pointee(type_id);
  return target && target->kind() == BtfKind::kFuncProto ? target : nullptr;
}

void read_arguments(Env& env, const Btf& btf, const BtfType& proto, const BtfType& stub) {
  std::span<const BtfParam> params = stub.params();
  for (uint32_t i = 0; i < params.size() && i < proto.vlen(); ++i) {
    bool nullable = has_suffix(btf, params[i], "__nullable");
    bool refcounted = !nullable && has_suffix(btf, params[i], "__ref");
    if (!nullable && !refcounted) continue;
    uint32_t target = 0;
    btf.pointee(proto.params()[i].type, &target);
    env.attach.args.push_back({.offset = context_argument_offset(btf, proto, i),
                               .type = kPtrToBtfId | kPtrTrusted | (nullable ? kPtrMaybeNull : 0u),
                               .btf = &btf,
                               .btf_id = target,
                               .refcounted = refcounted});
  }
}

Check reject_member(Env& env, int err, std::string_view member, const StructOpsRow& row) {
  return env.reject(err, "attach to unsupported member {} of struct {}\n", member, row.name);
}

}  // namespace

const StructOpsRow* struct_ops_row(std::string_view struct_name) {
  for (const StructOpsRow& row : kRows)
    if (row.name == struct_name) return &row;
  return nullptr;
}

Check check_struct_ops_target(Env& env) {
  if (!env.gpl_compatible)
    return env.reject(EINVAL, "struct ops programs must have a GPL compatible license\n");
  uint32_t btf_id = env.program.attach_btf_id;
  if (!btf_id || !env.program.attach_btf) return Check::error(kENOTSUPP);
  const Btf& btf = *env.program.attach_btf;
  const BtfType* type = btf.type(btf_id);
  const StructOpsRow* row =
      type && type->kind() == BtfKind::kStruct ? struct_ops_row(btf.name_of(*type)) : nullptr;
  // A name that another struct has as well is not it.
  if (!row || btf.find(row->name, BtfKind::kStruct) != btf_id) {
    if (!btf.is_vmlinux()) return env.unsupported("struct_ops of module " + btf.name());
    return env.reject(kENOTSUPP, "attach_btf_id {} is not a supported struct\n", btf_id);
  }
  uint32_t index = static_cast<uint32_t>(env.attach_type);
  if (index >= type->vlen())
    return env.reject(EINVAL, "attach to invalid member idx {} of struct {}\n", index, row->name);
  const BtfMember& member = type->members()[index];
  std::string_view name = btf.name_of(member);
  const BtfType* proto = function_pointer(btf, member.type);
  if (!proto)
    return env.reject(EINVAL, "attach to invalid member {}(@idx {}) of struct {}\n", name, index,
                      row->name);
  // Before there were stubs every function could be a program, but for this one.
  const bool stubs = env.has(Feature::kStructOpsStubs);
  const bool left_out = row->name == "tcp_congestion_ops" && name == "get_info";
  const BtfType* stub = stubs ? stub_prototype(btf, *row, name) : left_out ? nullptr : proto;
  if (!stub) return reject_member(env, kENOTSUPP, name, *row);
  bool sleeps =
      row->all_sleepable || std::ranges::find(row->sleepable, name) != row->sleepable.end();
  if (env.sleepable && !sleeps) return reject_member(env, EINVAL, name, *row);

  read_arguments(env, btf, *proto, *stub);
  bool owns = std::ranges::any_of(env.attach.args, &Env::Attach::ContextArg::refcounted);
  if (owns && std::ranges::any_of(env.subprogs, &Subprogram::has_tail_call))
    return env.reject(EINVAL, "program with __ref argument cannot tail call\n");
  env.attach.struct_ops = row;
  env.attach.struct_ops_member_offset = type->member_bit_offset(member) / 8;
  env.attach.btf = &btf;
  env.attach.btf_id = btf_id;
  env.attach.func_proto = proto;
  env.attach.func_name = name;
  return Check::ok();
}

}  // namespace drydock::verifier
