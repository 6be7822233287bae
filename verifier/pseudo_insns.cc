// SPDX-License-Identifier: Apache-2.0
// Instructions as the program was given: opcodes the kernel knows, and the descriptors and BTF ids
// that LD_IMM64 names, resolved once before the walk.
#include <algorithm>

#include "isa/opcodes.h"
#include "kernel/features.h"
#include "verifier/insn_fields.h"
#include "verifier/memory_access_text.h"
#include "verifier/program_setup.h"

namespace drydock::verifier {
namespace {

constexpr uint64_t kPageSize = 4096;
constexpr uint8_t kIndirectJump = isa::kJmp | isa::kJa | isa::kX;

/// Index of the map in used_maps, where it is put if it is not there yet.
Check add_used_map(Env& env, const std::shared_ptr<const MapInfo>& map, uint32_t* index) {
  auto known = std::ranges::find(env.used_maps, map);
  *index = static_cast<uint32_t>(known - env.used_maps.begin());
  if (known != env.used_maps.end()) return Check::ok();
  if (env.used_maps.size() >= kMaxUsedMaps)
    return env.reject(E2BIG, "The total number of maps per program has reached the limit of {}\n",
                      kMaxUsedMaps);
  DRYDOCK_TRY(check_map_prog_compatibility(env, *map));
  env.used_maps.push_back(map);
  return Check::ok();
}

Check add_used_btf(Env& env, const std::shared_ptr<const Btf>& btf) {
  if (std::ranges::find(env.used_btfs, btf) != env.used_btfs.end()) return Check::ok();
  if (env.used_btfs.size() >= kMaxUsedBtfs)
    return env.reject(E2BIG, "The total number of btfs per program has reached the limit of {}\n",
                      kMaxUsedBtfs);
  env.used_btfs.push_back(btf);
  return Check::ok();
}

/// The DATASEC of per-CPU variables that is the BTF's own, not its base's.
const BtfType* percpu_section(const Btf& btf) {
  for (uint32_t id = btf.start_id(); id < btf.type_count(); ++id) {
    const BtfType* t = btf.type(id);
    if (t->kind() == BtfKind::kDatasec && btf.name_of(*t) == ".data..percpu") return t;
  }
  return nullptr;
}

bool is_percpu_variable(const Btf& btf, uint32_t id) {
  const BtfType* section = percpu_section(btf);
  if (!section) return false;
  return std::ranges::any_of(section->secinfos(),
                             [id](const BtfVarSecinfo& var) { return var.type == id; });
}

class PseudoInsns {
 public:
  explicit PseudoInsns(Env& env) : env_(env), all_fields_(env.has(Feature::kFieldsBeforeWalk)) {}

  Check resolve() {
    for (uint32_t i = 0; i < env_.code.size(); ++i) {
      const isa::Insn& insn = env_.code[i];
      if (all_fields_) DRYDOCK_TRY(check_register_fields(env_, insn));
      else DRYDOCK_TRY(check_load_fields(insn));
      if (isa::is_ld_imm64(insn)) {
        DRYDOCK_TRY(resolve_ld_imm64(i));
        ++i;
      } else if (insn.code == kIndirectJump && env_.has(Feature::kIndirectJumps)) {
        return env_.unsupported("indirect jumps");
      } else if (!opcode_exists(insn.code)) {
        return env_.reject(EINVAL, "unknown opcode {:02x}\n", insn.code);
      } else if (all_fields_) {
        DRYDOCK_TRY(check_reserved_fields(env_, insn));
      }
    }
    return Check::ok();
  }

 private:
  /// On this kernel.
  bool opcode_exists(uint8_t code) const {
    const uint8_t cls = isa::insn_class(code), op = isa::insn_op(code);
    if (cls == isa::kAlu64 && op == isa::kEnd && !env_.has(Feature::kInsnSetV4)) return false;
    if (cls == isa::kJmp32 && op == isa::kJa && !env_.has(Feature::kLongJumps)) return false;
    if (cls == isa::kJmp && op == isa::kJcond && !env_.has(Feature::kMayGoto)) return false;
    return isa::opcode_exists(code);
  }

  Check check_load_fields(const isa::Insn& insn) {
    uint8_t mode = isa::insn_mode(insn.code);
    if (isa::insn_class(insn.code) == isa::kStx && insn.imm && !env_.has(Feature::kAtomics))
      return env_.reject(EINVAL, "BPF_STX uses reserved fields\n");
    if (isa::insn_class(insn.code) != isa::kLdx) return Check::ok();
    const bool sign_extends = mode == isa::kMemsx && env_.has(Feature::kInsnSetV4);
    if ((mode == isa::kMem || sign_extends) && insn.imm == 0) return Check::ok();
    return env_.reject(EINVAL, "BPF_LDX uses reserved fields\n");
  }

  Check resolve_ld_imm64(uint32_t i) {
    const isa::Insn& insn = env_.code[i];
    bool pair = i + 1 < env_.code.size();
    const isa::Insn second = pair ? env_.code[i + 1] : isa::Insn{};
    if (!pair || second.code || second.dst || second.src || second.off)
      return env_.reject(EINVAL, "invalid bpf_ld_imm64 insn\n");
    if (all_fields_ && insn.off) return env_.reject(EINVAL, "BPF_LD_IMM64 uses reserved fields\n");
    switch (insn.src) {
      case 0: return Check::ok();
      case isa::kPseudoBtfId: return resolve_variable(insn, second, env_.facts[i]);
      case isa::kPseudoFunc:
        if (!env_.has(Feature::kCallbackFunctions))
          return env_.reject(EINVAL, "unrecognized bpf_ld_imm64 insn\n");
        env_.facts[i].ptr_type = kPtrToFunc;
        return Check::ok();
      case isa::kPseudoMapValue:
      case isa::kPseudoMapIdxValue: return resolve_map(insn, second, env_.facts[i]);
      case isa::kPseudoMapFd:
      case isa::kPseudoMapIdx:
        if (second.imm == 0) return resolve_map(insn, second, env_.facts[i]);
        [[fallthrough]];
      default: return env_.reject(EINVAL, "unrecognized bpf_ld_imm64 insn\n");
    }
  }

  Check resolve_map(const isa::Insn& insn, const isa::Insn& second, InsnFacts& facts) {
    int fd = insn.imm;
    if (insn.src == isa::kPseudoMapIdx || insn.src == isa::kPseudoMapIdxValue) {
      const std::vector<int>& fds = env_.program.fd_array;
      if (fds.empty()) return env_.reject(EPROTO, "fd_idx without fd_array is invalid\n");
      if (insn.imm < 0 || static_cast<size_t>(insn.imm) >= fds.size()) return Check::error(EFAULT);
      fd = fds[static_cast<size_t>(insn.imm)];
    }
    int err = EBADF;
    std::shared_ptr<const MapInfo> map = env_.fds.map(fd, &err);
    if (!map) return env_.reject(err, "fd {} is not pointing to valid bpf_map\n", fd);
    DRYDOCK_TRY(add_used_map(env_, map, &facts.map_index));
    if (insn.src == isa::kPseudoMapFd || insn.src == isa::kPseudoMapIdx) return Check::ok();
    return resolve_direct_value(*map, static_cast<uint32_t>(second.imm), facts);
  }

  /// An address inside the value of an array of one, or inside an arena.
  Check resolve_direct_value(const MapInfo& map, uint32_t off, InsnFacts& facts) {
    if (off >= kMaxVarOffset)
      return env_.reject(EINVAL, "direct value offset of {} is not allowed\n", off);
    int err = 0;
    switch (map.type) {
      case MapType::kArray:
        if (map.max_entries != 1) err = kENOTSUPP;
        else if (off >= map.value_size) err = EINVAL;
        break;
      case MapType::kArena:
        if (off > map.max_entries * kPageSize) err = ERANGE;
        break;
      default: return env_.reject(EINVAL, "no direct value access support for this map type\n");
    }
    if (err)
      return env_.reject(err, "invalid access to map value pointer, value_size={} off={}\n",
                         map.value_size, off);
    facts.map_offset = off;
    return Check::ok();
  }

  Check resolve_variable(const isa::Insn& insn, const isa::Insn& second, InsnFacts& facts) {
    std::shared_ptr<const Btf> btf = env_.profile.btf();
    if (int fd = second.imm) {
      int err = EBADF;
      btf = env_.fds.btf(fd, &err);
      if (!btf) return env_.reject(EINVAL, "invalid module BTF object FD specified.\n");
    }
    uint32_t id = static_cast<uint32_t>(insn.imm);
    const BtfType* t = btf->type(id);
    if (!t) return env_.reject(ENOENT, "ldimm64 insn specifies invalid btf_id {}.\n", insn.imm);
    if (t->kind() != BtfKind::kVar && !env_.has(Feature::kFunctionAddresses))
      return env_.reject(EINVAL, "pseudo btf_id {} in ldimm64 isn't KIND_VAR.\n", insn.imm);
    if (t->kind() != BtfKind::kVar && t->kind() != BtfKind::kFunc)
      return env_.reject(EINVAL, "pseudo btf_id {} in ldimm64 isn't KIND_VAR or KIND_FUNC\n",
                         insn.imm);
    std::string_view name = btf->name_of(*t);
    if (!kernel_has_symbol(env_, *btf, name))
      return env_.reject(ENOENT, "ldimm64 failed to find the address for kernel symbol '{}'.\n",
                         name);
    if (t->kind() == BtfKind::kFunc) facts.btf_var_type = kPtrToMem | kMemRdonly;
    else DRYDOCK_TRY(type_variable(*btf, id, t->type(), facts));
    return add_used_btf(env_, btf);
  }

  Check type_variable(const Btf& btf, uint32_t var_id, uint32_t type_id, InsnFacts& facts) {
    uint32_t resolved_id = 0;
    const BtfType* t = btf.skip_modifiers(type_id, &resolved_id);
    bool percpu = is_percpu_variable(btf, var_id);
    if (percpu || (t && t->is_struct_or_union())) {
      facts.btf_var_type = kPtrToBtfId | (percpu ? kMemPercpu : 0u);
      facts.btf_var_btf = &btf;
      facts.btf_var_id = type_id;
      return Check::ok();
    }
    std::optional<uint32_t> size = btf.size_of(resolved_id);
    if (!size)
      return env_.reject(EINVAL, "ldimm64 unable to resolve the size of type '{}': {}\n",
                         t ? btf.name_of(*t) : std::string_view{}, -EINVAL);
    facts.btf_var_type = kPtrToMem | kMemRdonly;
    facts.btf_var_mem_size = *size;
    return Check::ok();
  }

  Env& env_;
  const bool all_fields_;
};

}  // namespace

bool kernel_has_symbol(const Env& env, const Btf& btf, std::string_view name) {
  // A module's symbols are not in the profile, nor are those of a profile made without them: the
  // BTF that declares the name has to do.
  return !btf.is_vmlinux() || env.profile.symbols().has(name);
}

Check check_fd_array(Env& env) {
  if (!env.program.fd_array_continuous) return Check::ok();
  for (int fd : env.program.fd_array) {
    int err = EBADF, btf_err = 0;
    if (std::shared_ptr<const MapInfo> map = env.fds.map(fd, &err)) {
      uint32_t index = 0;
      DRYDOCK_TRY(add_used_map(env, map, &index));
    } else if (std::shared_ptr<const Btf> btf = env.fds.btf(fd, &btf_err)) {
      DRYDOCK_TRY(add_used_btf(env, btf));
    } else {
      return env.reject(err, "fd {} is not pointing to valid bpf_map or btf\n", fd);
    }
  }
  return Check::ok();
}

Check resolve_pseudo_insns(Env& env) { return PseudoInsns(env).resolve(); }

}  // namespace drydock::verifier
