// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_ATTACH, BPF_PROG_DETACH, BPF_PROG_QUERY: programs on cgroups. Other targets (network
// namespaces, devices, sockmaps) are said to be unsupported once their attributes have passed.
#include <algorithm>
#include <cerrno>

#include "emulator/syscall/attach_rules.h"
#include "emulator/syscall/cgroup.h"
#include "emulator/syscall/commands.h"

namespace drydock::syscall_impl {
namespace {

constexpr uint32_t kBaseFlags = kAttachOverride | kAttachMulti | kAttachReplace | kAttachPreorder;
constexpr uint32_t kPlaceFlags =
    kAttachReplace | kAttachBefore | kAttachAfter | kAttachId | kAttachLink;

bool has_places(ProgramType type) { return type == ProgramType::kSchedCls; }
bool is_cgroup_type(ProgramType type, AttachType attach) {
  return type != ProgramType::kLsm && attaches_to_cgroup(attach);
}

int64_t not_modelled(const Call& call, const char* command, AttachType type) {
  call.kernel.note_unsupported(std::string(command) + " of " + std::string(name_of(type)));
  return -EOPNOTSUPP;
}

// Whatever is not a cgroup is a bad descriptor here, as in the kernel.
int64_t take_cgroup(const Call& call, int fd, std::shared_ptr<CgroupObject>& cgroup) {
  cgroup = call.kernel.object<CgroupObject>(fd);
  return cgroup ? 0 : -EBADF;
}

int64_t take_program(const Call& call, int fd, ProgramType type,
                     std::shared_ptr<ProgramObject>& program) {
  if (int64_t err = lookup(call, fd, program)) return err;
  return program->input.type == type ? 0 : -EINVAL;
}

}  // namespace

int64_t take_anchor(const Call& call, uint32_t flags, int relative, bool link,
                    CgroupObject::AttachRequest& request) {
  bool by_link = flags & kAttachLink, by_id = flags & kAttachId;
  bool before = flags & kAttachBefore, after = flags & kAttachAfter;
  request.anchored = false;
  if (!by_link && !by_id && !relative) return 0;
  if (before == after || by_link != link) return -EINVAL;
  auto id = static_cast<uint32_t>(relative);
  auto& table = call.kernel.descriptors();
  if (by_link) {
    auto anchor = by_id ? std::static_pointer_cast<LinkObject>(table.by_id(ObjectKind::kLink, id))
                        : call.kernel.object<LinkObject>(relative);
    if (!anchor) return by_id ? -ENOENT : Descriptors::mode_of(relative) < 0 ? -EBADF : -EINVAL;
    if (anchor->type != LinkType::kCgroup) return -EINVAL;
    request.anchor_link = anchor.get();
  } else {
    request.anchor_program =
        by_id ? std::static_pointer_cast<ProgramObject>(table.by_id(ObjectKind::kProgram, id))
              : call.kernel.object<ProgramObject>(relative);
    if (!request.anchor_program)
      return by_id ? -ENOENT : Descriptors::mode_of(relative) < 0 ? -EBADF : -EINVAL;
  }
  request.anchored = true;
  return 0;
}

int64_t prog_attach(const Call& call) {
  auto a = call.as<attr::Attach>();
  auto attach = static_cast<AttachType>(a.attach_type);
  ProgramType type = program_type_of(attach);
  if (type == ProgramType::kUnspec) return -EINVAL;
  bool of_cgroup = is_cgroup_type(type, attach);
  uint32_t allowed = has_places(type) ? kPlaceFlags
                     : of_cgroup      ? kBaseFlags | kPlaceFlags
                                      : kBaseFlags;
  if (a.attach_flags & ~allowed) return -EINVAL;
  if (!has_places(type) && !of_cgroup && (a.relative_fd || a.expected_revision)) return -EINVAL;
  std::shared_ptr<ProgramObject> program;
  if (int64_t err = take_program(call, a.attach_bpf_fd, type, program)) return err;
  if (check_attach_type(*program, attach, call.capabilities().net_admin)) return -EINVAL;
  if (!attaches_to_cgroup(attach)) {
    if (type == ProgramType::kTracing || type == ProgramType::kLsm || type == ProgramType::kXdp ||
        type == ProgramType::kSkLookup)
      return -EINVAL;  // by a link only
    return not_modelled(call, "BPF_PROG_ATTACH", attach);
  }
  if (attach == AttachType::kLsmCgroup &&
      program->input.expected_attach_type != AttachType::kLsmCgroup)
    return -EINVAL;
  std::shared_ptr<CgroupObject> cgroup;
  if (int64_t err = take_cgroup(call, a.target_fd, cgroup)) return err;
  CgroupObject::AttachRequest request{.hook = cgroup_hook(attach, *program),
                                      .program = program,
                                      .flags = a.attach_flags,
                                      .revision = a.expected_revision};
  if ((a.attach_flags & kAttachMulti) && (a.attach_flags & kAttachReplace))
    if (int64_t err = take_program(call, a.replace_bpf_fd, type, request.replaced)) return err;
  if (int64_t err = take_anchor(call, a.attach_flags, a.relative_fd, false, request)) return err;
  return cgroup->attach(request);
}

int64_t prog_detach(const Call& call) {
  auto a = call.as<attr::Attach>();
  auto attach = static_cast<AttachType>(a.attach_type);
  ProgramType type = program_type_of(attach);
  bool of_cgroup = is_cgroup_type(type, attach);
  if (has_places(type)) {
    if (a.attach_flags & ~kPlaceFlags) return -EINVAL;
  } else if (of_cgroup) {
    if (a.attach_flags || a.relative_fd) return -EINVAL;
  } else if (a.attach_flags || a.relative_fd || a.expected_revision) {
    return -EINVAL;
  }
  if (type == ProgramType::kUnspec || type == ProgramType::kTracing || type == ProgramType::kXdp ||
      type == ProgramType::kSkLookup)
    return -EINVAL;
  if (!of_cgroup && type != ProgramType::kLsm) return not_modelled(call, "BPF_PROG_DETACH", attach);
  std::shared_ptr<CgroupObject> cgroup;
  if (int64_t err = take_cgroup(call, a.target_fd, cgroup)) return err;
  auto program = call.kernel.object<ProgramObject>(a.attach_bpf_fd);
  if (program && program->input.type != type) program = nullptr;
  CgroupHook hook{attach, 0};
  if (attach == AttachType::kLsmCgroup) {
    if (!program) return -EINVAL;
    hook = cgroup_hook(attach, *program);
  } else if (type == ProgramType::kLsm) {
    return -EINVAL;
  }
  return cgroup->detach(hook, program.get(), nullptr, a.expected_revision);
}

int64_t prog_query(const Call& call) {
  auto a = call.as<attr::Query>();
  constexpr uint32_t kEffective = 1;
  if (!call.capabilities().net_admin) return -EPERM;
  if (a.query_flags & ~kEffective) return -EINVAL;
  auto attach = static_cast<AttachType>(a.attach_type);
  ProgramType type = program_type_of(attach);
  if (!attaches_to_cgroup(attach)) {
    if (type == ProgramType::kUnspec || type == ProgramType::kTracing ||
        type == ProgramType::kLsm || type == ProgramType::kXdp)
      return -EINVAL;
    return not_modelled(call, "BPF_PROG_QUERY", attach);
  }
  std::shared_ptr<CgroupObject> cgroup;
  if (int64_t err = take_cgroup(call, a.target_fd, cgroup)) return err;
  bool effective = a.query_flags & kEffective;
  bool lsm = attach == AttachType::kLsmCgroup;
  if (effective && a.prog_attach_flags) return -EINVAL;
  if (lsm && !effective && a.count && a.prog_ids && !a.prog_attach_flags) return -EINVAL;

  std::vector<uint32_t> ids, flags;
  auto add = [&](const CgroupHook& hook, const CgroupObject::Attached& list) {
    if (effective) {
      for (const auto& program : cgroup->effective(hook)) ids.push_back(program->id);
      return;
    }
    for (const auto& entry : list.entries) {
      ids.push_back(entry.runs()->id);
      flags.push_back(list.flags);
    }
  };
  if (lsm) {
    for (const auto& [hook, list] : cgroup->hooks())
      if (hook.type == attach) add(hook, list);
  } else {
    add({attach, 0}, cgroup->attached({attach, 0}));
  }
  const auto& list = cgroup->attached({attach, 0});
  uint32_t room = a.count;
  a.count = static_cast<uint32_t>(ids.size());
  a.attach_flags = effective || lsm ? 0 : list.flags;
  a.revision = effective || lsm ? 0 : list.revision;
  const UserMemory& memory = call.memory();
  if (!memory.write(call.user + offsetof(attr::Query, attach_flags), a.attach_flags) ||
      !memory.write(call.user + offsetof(attr::Query, count), a.count) ||
      !memory.write(call.user + offsetof(attr::Query, revision), a.revision))
    return -EFAULT;
  if (!room || !a.prog_ids || ids.empty()) return 0;
  size_t n = std::min<size_t>(room, ids.size());
  if (!memory.write(a.prog_ids, ids.data(), n * 4)) return -EFAULT;
  if (a.prog_attach_flags && !memory.write(a.prog_attach_flags, flags.data(), n * 4))
    return -EFAULT;
  return n < ids.size() ? -ENOSPC : 0;
}

}  // namespace drydock::syscall_impl
