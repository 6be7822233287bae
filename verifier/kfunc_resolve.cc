// SPDX-License-Identifier: Apache-2.0
// Which function a kfunc call means, and what the rest of the verifier asks about such calls.
// Kernel's counterpart: add_kfunc_call(), find_kfunc_desc_btf(), fetch_kfunc_meta().
#include <algorithm>

#include "kfuncs/kfunc_row.h"
#include "verifier/kfunc_call.h"
#include "verifier/program_setup.h"

namespace drydock::verifier {
namespace {

constexpr size_t kMaxKfuncs = 256, kMaxKfuncBtfs = 256;

struct ByIdAndOffset {
  using Key = std::pair<uint32_t, int16_t>;
  static Key of(const KfuncDesc& desc) { return {desc.func_id, desc.offset}; }
};

KfuncDesc* lookup(std::vector<KfuncDesc>& kfuncs, uint32_t func_id, int16_t offset) {
  auto desc =
      std::ranges::lower_bound(kfuncs, ByIdAndOffset::Key{func_id, offset}, {}, ByIdAndOffset::of);
  bool found = desc != kfuncs.end() && desc->func_id == func_id && desc->offset == offset;
  return found ? &*desc : nullptr;
}

/// The BTF of a module, from the descriptor at `offset` of fd_array.
Check find_module_btf(Env& env, int16_t offset, const Btf** btf) {
  if (auto known = env.kfunc_btfs.find(offset); known != env.kfunc_btfs.end()) {
    *btf = known->second.get();
    return Check::ok();
  }
  if (env.kfunc_btfs.size() == kMaxKfuncBtfs)
    return env.reject(E2BIG, "too many different module BTFs\n");
  const std::vector<int>& fds = env.program.fd_array;
  if (fds.empty()) return env.reject(EPROTO, "kfunc offset > 0 without fd_array is invalid\n");
  if (static_cast<size_t>(offset) >= fds.size()) return Check::error(EFAULT);
  int err = 0;
  std::shared_ptr<const Btf> found = env.fds.btf(fds[static_cast<size_t>(offset)], &err);
  if (!found) return env.reject(err, "invalid module BTF fd specified\n");
  if (!found->is_kernel() || found->is_vmlinux())
    return env.reject(EINVAL, "BTF fd for kfunc is not a module BTF\n");
  *btf = found.get();
  env.kfunc_btfs.emplace(offset, std::move(found));
  return Check::ok();
}

Check find_kfunc_btf(Env& env, int16_t offset, const Btf** btf) {
  *btf = env.profile.btf().get();
  if (offset == 0) return Check::ok();
  if (offset < 0)
    return env.reject(EINVAL, "negative offset disallowed for kernel module function call\n");
  return find_module_btf(env, offset, btf);
}

/// XDP metadata: read by the driver of the device that the program is bound to.
Check check_device_bound(Env& env, std::string_view name) {
  auto rows = kfunc_rows_named(name);
  if (std::ranges::find(rows, KfuncSetId::kXdpMetadata, &KfuncRow::set) == rows.end())
    return Check::ok();
  if (!env.program.dev_bound)
    return env.reject(EINVAL, "metadata kfuncs require device-bound program\n");
  if (!(env.program.flags & kProgXdpDevBoundOnly))
    return env.reject(EINVAL, "metadata kfuncs can't be offloaded\n");
  return Check::ok();
}

constexpr std::string_view kImplSuffix = "_impl";

/// Where the verifier supplies the last arguments, the program's declaration leaves them out: all
/// of them are in that of a twin, whose name says "_impl". 0 with a log line when BTF has none.
uint32_t full_proto(Env& env, const Btf& btf, uint32_t func_id) {
  const BtfType& func = *btf.type(func_id);
  std::optional<uint32_t> flags = kfunc_flags_seen(btf, func_id, env.type, env.profile);
  if (!flags || !(*flags & kKfImplicitArgs)) return func.type();
  const std::string twin = std::string(btf.name_of(func)) + std::string(kImplSuffix);
  const uint32_t id = btf.find(twin, BtfKind::kFunc);
  if (!id) env.verbose("cannot find function {} in BTF\n", twin);
  return id ? btf.type(id)->type() : 0;
}

/// Such a twin is in BTF only, unless it is a kfunc of its own.
bool is_proto_only(const Env& env, const Btf& btf, uint32_t func_id, std::string_view name) {
  if (!name.ends_with(kImplSuffix) || env.profile.kfunc_flags(func_id)) return false;
  const uint32_t base = btf.find(name.substr(0, name.size() - kImplSuffix.size()), BtfKind::kFunc);
  return base && env.profile.kfunc_flags(base).value_or(0) & kKfImplicitArgs;
}

/// Whether the program may call it: asked anew until the attach target is known.
bool ask_allowed(Env& env, KfuncDesc& desc) {
  if (desc.allowed) return *desc.allowed;
  KfuncAvailability answer = kfunc_for(*desc.btf, desc.func_id, env.call_site(), env.profile);
  if (answer.kind == KfuncAvailability::Kind::kNoRow)
    (void)env.unsupported("kfunc " + std::string(desc.name));
  bool allowed = answer.kind == KfuncAvailability::Kind::kAllowed;
  desc.flags = answer.flags;
  if (env.state) desc.allowed = allowed;
  return allowed;
}

/// The kfunc of a call, when the program may call it.
const KfuncDesc* callable(const Env& env, const isa::Insn& insn) {
  if (!isa::is_kfunc_call(insn) || !insn.imm) return nullptr;
  // What is worked out on the way is kept with the description.
  Env& keeper = const_cast<Env&>(env);
  KfuncDesc* desc = lookup(keeper.kfuncs, static_cast<uint32_t>(insn.imm), insn.off);
  return desc && ask_allowed(keeper, *desc) ? desc : nullptr;
}

/// The special kfunc that the call means, allowed or not.
SpecialKfunc special_of(const Env& env, const isa::Insn& insn) {
  if (!isa::is_kfunc_call(insn)) return SpecialKfunc::kNone;
  const KfuncDesc* desc = find_kfunc(env, static_cast<uint32_t>(insn.imm), insn.off);
  return desc ? desc->special : SpecialKfunc::kNone;
}

}  // namespace

Check add_kfunc_call(Env& env, uint32_t func_id, int16_t offset) {
  if (!env.gpl_compatible)
    return env.reject(EINVAL, "cannot call kernel function from non-GPL compatible program\n");
  // No function at all: an error only if the call turns out to be reachable (check_fixups).
  if (!func_id && !offset) return Check::ok();

  const Btf* btf = nullptr;
  if (Check found = find_kfunc_btf(env, offset, &btf); found.failed()) {
    env.verbose("failed to find BTF for kernel function\n");
    return found;
  }
  if (find_kfunc(env, func_id, offset)) return Check::ok();
  if (env.kfuncs.size() == kMaxKfuncs)
    return env.reject(E2BIG, "too many different kernel function calls\n");

  const BtfType* func = btf->type(func_id);
  if (!func || func->kind() != BtfKind::kFunc)
    return env.reject(EINVAL, "kernel btf_id {} is not a function\n", func_id);
  const uint32_t proto_id = full_proto(env, *btf, func_id);
  const BtfType* proto = btf->type(proto_id);
  if (!proto || proto->kind() != BtfKind::kFuncProto)
    return env.reject(EINVAL, "kernel function btf_id {} does not have a valid func_proto\n",
                      func_id);
  if (!kernel_has_symbol(env, *btf, btf->name_of(*func)) ||
      is_proto_only(env, *btf, func_id, btf->name_of(*func)))
    return env.reject(EINVAL, "cannot find address for kernel function {}\n", btf->name_of(*func));
  KfuncDesc desc{.func_id = func_id,
                 .offset = offset,
                 .btf = btf,
                 .proto_id = proto_id,
                 .name = btf->name_of(*func)};
  if (btf->is_vmlinux()) {
    DRYDOCK_TRY(check_device_bound(env, desc.name));
    desc.special = special_kfunc_named(desc.name);
  }
  DRYDOCK_TRY(check_kfunc_model(env, *btf, *proto, desc.name));
  auto place = std::ranges::lower_bound(env.kfuncs, ByIdAndOffset::of(desc), {}, ByIdAndOffset::of);
  env.kfuncs.insert(place, std::move(desc));
  return Check::ok();
}

const KfuncDesc* find_kfunc(const Env& env, uint32_t func_id, int16_t offset) {
  return lookup(const_cast<Env&>(env).kfuncs, func_id, offset);
}

std::string_view kfunc_name_for_disassembly(const Env& env, const isa::Insn& insn) {
  const KfuncDesc* desc = find_kfunc(env, static_cast<uint32_t>(insn.imm), insn.off);
  if (desc) return desc->name;
  if (insn.off == 0) return env.profile.btf()->name_of(static_cast<uint32_t>(insn.imm));
  auto module = env.kfunc_btfs.find(insn.off);
  return module == env.kfunc_btfs.end() ? "<error>"
                                        : module->second->name_of(static_cast<uint32_t>(insn.imm));
}

int fetch_kfunc_meta(Env& env, const isa::Insn& insn, KfuncMeta& meta) {
  KfuncDesc* desc = lookup(env.kfuncs, static_cast<uint32_t>(insn.imm), insn.off);
  if (!desc || !insn.imm) return EINVAL;
  meta.func_name = desc->name;
  if (!ask_allowed(env, *desc)) return EACCES;
  if (!desc->proto) desc->proto = std::make_shared<const KfuncProto>(read_kfunc_proto(env, *desc));
  meta.btf = desc->btf;
  meta.func_proto = desc->btf->type(desc->proto_id);
  meta.func_id = desc->func_id;
  meta.flags = desc->flags;
  meta.special = desc->special;
  meta.proto = desc->proto.get();
  return 0;
}

bool is_sync_callback_kfunc(const Env& env, const isa::Insn& insn) {
  return in_group(special_of(env, insn), kSyncCallback);
}
bool is_async_callback_kfunc(const Env& env, const isa::Insn& insn) {
  return in_group(special_of(env, insn), kAsyncCallback);
}
bool is_callback_kfunc(const Env& env, const isa::Insn& insn) {
  return in_group(special_of(env, insn), kSyncCallback | kAsyncCallback);
}
bool is_throw_kfunc(const Env& env, const isa::Insn& insn) {
  return special_of(env, insn) == SpecialKfunc::kThrow;
}
bool kfunc_allowed_under_lock(const Env& env, const isa::Insn& insn) {
  return in_group(special_of(env, insn), kSpinAllowed);
}
bool in_rbtree_lock_required_callback(const Env& env) {
  const State& state = *env.state;
  if (!state.curframe || !state.current().in_callback) return false;
  const isa::Insn& call = env.code[static_cast<size_t>(state.current().callsite)];
  return in_group(special_of(env, call), kRbtreeApi);
}

bool is_iter_next_kfunc(const Env& env, const isa::Insn& insn) {
  const KfuncDesc* desc = callable(env, insn);
  return desc && (desc->flags & kKfIterNext);
}
bool kfunc_is_fastcall(const Env& env, const isa::Insn& insn) {
  const KfuncDesc* desc = callable(env, insn);
  return desc && (desc->flags & kKfFastcall);
}
bool kfunc_changes_pkt_data(const Env& env, const isa::Insn& insn) {
  const KfuncDesc* desc = callable(env, insn);
  return desc && desc->special == SpecialKfunc::kXdpPullData;
}
bool kfunc_might_sleep(const Env& env, const isa::Insn& insn) {
  const KfuncDesc* desc = callable(env, insn);
  return desc && (desc->flags & kKfSleepable);
}
bool kfunc_returns_void(const Env& env, const isa::Insn& insn) {
  const KfuncDesc* desc = callable(env, insn);
  return desc && desc->btf->type(desc->proto_id)->type() == 0;
}
int kfunc_arg_count(const Env& env, const isa::Insn& insn) {
  const KfuncDesc* desc = callable(env, insn);
  return desc ? static_cast<int>(desc->btf->type(desc->proto_id)->vlen()) : -1;
}

}  // namespace drydock::verifier
