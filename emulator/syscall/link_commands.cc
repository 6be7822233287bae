// SPDX-License-Identifier: Apache-2.0
// Links: programs attached for as long as something holds the link. What a link leads to is a kind
// (a row of kKinds); tracing and LSM links attach to the function that the program was loaded for,
// cgroup links to a cgroup, iterators to nothing until they are opened.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "emulator/syscall/attach_rules.h"
#include "emulator/syscall/cgroup.h"
#include "emulator/syscall/commands.h"

namespace drydock::syscall_impl {
namespace {

using Program = std::shared_ptr<ProgramObject>;

// A cgroup link leaves its cgroup when it goes.
struct CgroupLink final : LinkObject {
  ~CgroupLink() override { leave(); }
  int64_t leave() {
    if (detached) return 0;
    detached = true;
    return static_cast<CgroupObject&>(*target).detach(hook, nullptr, this, 0);
  }
  CgroupHook hook;
};

int64_t publish(const Call& call, std::shared_ptr<LinkObject> link) {
  call.kernel.descriptors().publish(link);
  std::erase_if(call.kernel.links, [](const auto& old) { return old.expired(); });
  call.kernel.links.push_back(link);
  return call.kernel.descriptors().open(std::move(link), O_RDWR);
}

int64_t unsupported_link(const Call& call, AttachType type) {
  call.kernel.note_unsupported("BPF_LINK_CREATE of " + std::string(name_of(type)));
  return -EOPNOTSUPP;
}

int64_t cgroup_link(const Call& call, const attr::LinkCreate& a, Program program) {
  constexpr uint32_t kAllowed =
      kAttachId | kAttachBefore | kAttachAfter | kAttachPreorder | kAttachLink;
  if (a.flags & ~kAllowed) return -EINVAL;
  auto cgroup = call.kernel.object<CgroupObject>(a.target_fd);
  if (!cgroup) return -EBADF;
  auto link = std::make_shared<CgroupLink>();
  link->type = LinkType::kCgroup;
  link->attach_type = static_cast<AttachType>(a.attach_type);
  link->hook = cgroup_hook(link->attach_type, *program);
  link->program = std::move(program);
  link->target = cgroup;
  link->detached = true;  // until it is in the list
  CgroupObject::AttachRequest request{.hook = link->hook,
                                      .link = link.get(),
                                      .flags = a.flags | kAttachMulti,
                                      .revision = a.cgroup.expected_revision};
  if (int64_t err = take_anchor(call, a.flags, a.cgroup.relative_fd, true, request)) return err;
  if (int64_t err = cgroup->attach(request)) return err;
  link->detached = false;
  return publish(call, std::move(link));
}

int64_t tracing_link(const Call& call, const Program& program, int target_fd, uint32_t btf_id,
                     uint64_t cookie, AttachType attach) {
  using A = AttachType;
  A expected = program->input.expected_attach_type;
  switch (program->input.type) {
    case ProgramType::kTracing:
      if (expected != A::kTraceFentry && expected != A::kTraceFexit && expected != A::kModifyReturn)
        return -EINVAL;
      break;
    case ProgramType::kLsm:
      if (expected != A::kLsmMac) return -EINVAL;
      break;
    case ProgramType::kExt:
      if (static_cast<uint32_t>(expected) != 0) return -EINVAL;
      break;
    default: return -EINVAL;
  }
  if (!target_fd != !btf_id) return -EINVAL;
  auto link = std::make_shared<LinkObject>();
  link->target = program->target;
  link->target_btf_id = program->input.attach_btf_id;
  if (target_fd) {
    if (program->input.type != ProgramType::kExt) return -EINVAL;
    Program target;
    if (int64_t err = lookup(call, target_fd, target)) return err;
    link->target = target;
    link->target_btf_id = btf_id;
  }
  link->type = LinkType::kTracing;
  link->attach_type = attach;
  link->cookie = cookie;
  link->program = program;
  if (link->target) link->target_object_id = link->target->id;
  else if (auto btf = call.kernel.btf_object(program->input.attach_btf))
    link->target_object_id = btf->id;
  return publish(call, std::move(link));
}

// Raw tracepoints are those whose argument types BTF has: typedef btf_trace_NAME.
bool is_raw_tracepoint(const Profile& profile, const std::string& name) {
  return profile.btf()->find("btf_trace_" + name, BtfKind::kTypedef) != 0;
}

int64_t raw_tracepoint_link(const Call& call, const Program& program, const std::string& name,
                            uint64_t cookie) {
  if (!is_raw_tracepoint(call.kernel.profile(), name)) return -ENOENT;
  auto link = std::make_shared<LinkObject>();
  link->type = LinkType::kRawTracepoint;
  link->attach_type = program->input.expected_attach_type;
  link->program = program;
  link->name = name;
  link->cookie = cookie;
  return publish(call, std::move(link));
}

// tp_btf programs are loaded for the typedef of their tracepoint.
std::string tracepoint_of(const ProgramObject& program) {
  constexpr std::string_view kPrefix = "btf_trace_";
  std::string_view name = program.input.attach_btf
                              ? program.input.attach_btf->name_of(program.input.attach_btf_id)
                              : std::string_view{};
  return std::string(name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name);
}

int64_t iterator_link(const Call& call, const attr::LinkCreate& a, const Program& program) {
  constexpr uint32_t kInfoSize = 16;  // union bpf_iter_link_info
  if (a.target_fd || a.flags || !a.iter.info != !a.iter.info_len) return -EINVAL;
  auto link = std::make_shared<LinkObject>();
  if (a.iter.info) {
    std::vector<std::byte> info(a.iter.info_len);
    if (a.iter.info_len > 4096) return -E2BIG;
    if (!call.memory().read(a.iter.info, info.data(), info.size())) return -EFAULT;
    if (std::any_of(info.begin() + std::min<long>(kInfoSize, static_cast<long>(info.size())),
                    info.end(), [](std::byte b) { return b != std::byte{}; }))
      return -E2BIG;
    info.resize(kInfoSize);
    link->iterator_info = std::move(info);
  }
  constexpr std::string_view kPrefix = "bpf_iter_";
  std::string_view function = call.kernel.profile().btf()->name_of(program->input.attach_btf_id);
  if (!function.starts_with(kPrefix)) return -ENOENT;
  link->name = function.substr(kPrefix.size());
  if (link->name == "bpf_map_elem" || link->name == "bpf_sk_storage_map") {
    int fd = 0;
    if (!link->iterator_info.empty()) std::memcpy(&fd, link->iterator_info.data(), sizeof fd);
    if (!fd) return -EBADF;
    if (int64_t err = lookup(call, fd, link->map)) return err;
  }
  link->type = LinkType::kIter;
  link->attach_type = static_cast<AttachType>(a.attach_type);
  link->program = program;
  return publish(call, std::move(link));
}

int64_t struct_ops_link(const Call& call, const attr::LinkCreate& a) {
  std::shared_ptr<MapObject> map;
  if (int64_t err = lookup(call, a.prog_fd, map)) return err;
  if (map->map->type != MapType::kStructOps || !(map->map->map_flags & kMapLink)) return -EINVAL;
  return unsupported_link(call, AttachType::kStructOps);
}

// uprobe.multi: only what a caller learns by trying (which is how libbpf finds out that there is
// such a thing). A real target has processes behind it, which do not exist here.
int64_t uprobe_multi_link(const Call& call, const attr::LinkCreate& a,
                          const ProgramObject& program) {
  constexpr uint32_t kReturn = 1, kMost = 1u << 20;
  const auto& u = a.uprobe_multi;
  if (a.flags || program.input.type != ProgramType::kKprobe || (u.flags & ~kReturn)) return -EINVAL;
  if (!u.path || !u.offsets || !u.cnt || static_cast<int32_t>(u.pid) < 0) return -EINVAL;
  if (u.cnt > kMost) return -E2BIG;
  auto path = call.memory().read_string(u.path, 4096);
  if (!path) return -EFAULT;
  if (path->empty()) return -ENOENT;
  if (path->ends_with('/')) return -EBADF;  // a folder is no file to probe
  return unsupported_link(call, static_cast<AttachType>(a.attach_type));
}

int64_t kprobe_link(const Call& call, const attr::LinkCreate& a, const ProgramObject& program) {
  using A = AttachType;
  auto attach = static_cast<A>(a.attach_type);
  if (attach == A::kTraceUprobeMulti || attach == A::kTraceUprobeSession)
    return uprobe_multi_link(call, a, program);
  if (a.flags) return -EINVAL;
  // A perf event is a descriptor that nothing here gives out.
  if (attach == A::kPerfEvent) return Descriptors::mode_of(a.target_fd) < 0 ? -EBADF : -EINVAL;
  return unsupported_link(call, attach);
}

}  // namespace

int64_t link_create(const Call& call) {
  auto a = call.as<attr::LinkCreate>();
  auto attach = static_cast<AttachType>(a.attach_type);
  if (attach == AttachType::kStructOps) return struct_ops_link(call, a);
  Program program;
  if (int64_t err = lookup(call, a.prog_fd, program)) return err;
  if (int64_t err = check_attach_type(*program, attach, call.capabilities().net_admin)) return err;
  switch (program->input.type) {
    case ProgramType::kCgroupSkb:
    case ProgramType::kCgroupSock:
    case ProgramType::kCgroupSockAddr:
    case ProgramType::kSockOps:
    case ProgramType::kCgroupDevice:
    case ProgramType::kCgroupSysctl:
    case ProgramType::kCgroupSockopt: return cgroup_link(call, a, program);
    case ProgramType::kExt:
      return tracing_link(call, program, a.target_fd, a.tracing.btf_id, a.tracing.cookie, attach);
    case ProgramType::kLsm:
    case ProgramType::kTracing:
      if (attach != program->input.expected_attach_type) return -EINVAL;
      if (attach == AttachType::kTraceRawTp)
        return raw_tracepoint_link(call, program, tracepoint_of(*program), a.tracing.cookie);
      if (attach == AttachType::kTraceIter) return iterator_link(call, a, program);
      if (attach == AttachType::kLsmCgroup) return cgroup_link(call, a, program);
      return tracing_link(call, program, a.target_fd, a.tracing.btf_id, a.tracing.cookie, attach);
    case ProgramType::kPerfEvent:
    case ProgramType::kTracepoint:
    case ProgramType::kKprobe: return kprobe_link(call, a, *program);
    case ProgramType::kFlowDissector:
    case ProgramType::kSkLookup:
    case ProgramType::kSkMsg:
    case ProgramType::kSkSkb:
    case ProgramType::kXdp:
    case ProgramType::kSchedCls:
    case ProgramType::kNetfilter: return unsupported_link(call, attach);
    default: return -EINVAL;
  }
}

int64_t raw_tracepoint_open(const Call& call) {
  auto a = call.as<attr::RawTracepoint>();
  Program program;
  if (int64_t err = lookup(call, a.prog_fd, program)) return err;
  switch (program->input.type) {
    case ProgramType::kTracing:
    case ProgramType::kExt:
    case ProgramType::kLsm:
      if (a.name) return -EINVAL;  // such a program was loaded for its target
      if (program->input.type == ProgramType::kTracing &&
          program->input.expected_attach_type == AttachType::kTraceRawTp)
        return raw_tracepoint_link(call, program, tracepoint_of(*program), a.cookie);
      return tracing_link(call, program, 0, 0, 0, program->input.expected_attach_type);
    case ProgramType::kRawTracepoint:
    case ProgramType::kRawTracepointWritable: {
      auto name = call.memory().read_string(a.name, 127);
      if (!name) return -EFAULT;
      return raw_tracepoint_link(call, program, *name, a.cookie);
    }
    default: return -EINVAL;
  }
}

int64_t link_update(const Call& call) {
  auto a = call.as<attr::LinkUpdate>();
  if (a.flags & ~kAttachReplace) return -EINVAL;
  std::shared_ptr<LinkObject> link;
  if (int64_t err = lookup(call, a.link_fd, link)) return err;
  Program fresh, old;
  if (int64_t err = lookup(call, a.new_prog_fd, fresh)) return err;
  if (a.flags & kAttachReplace) {
    if (int64_t err = lookup(call, a.old_prog_fd, old)) return err;
  } else if (a.old_prog_fd) {
    return -EINVAL;
  }
  if (link->type == LinkType::kIter) {
    if (old && link->program != old) return -EPERM;
    const ProgramInput &was = link->program->input, &is = fresh->input;
    if (was.type != is.type || was.expected_attach_type != is.expected_attach_type ||
        was.attach_btf_id != is.attach_btf_id)
      return -EINVAL;
  } else if (link->type == LinkType::kCgroup) {
    if (link->detached) return -ENOLINK;
    if (old && link->program != old) return -EPERM;
    if (link->program->input.type != fresh->input.type) return -EINVAL;
    static_cast<CgroupObject&>(*link->target).touched(static_cast<CgroupLink&>(*link).hook);
  } else {
    return -EINVAL;
  }
  link->program = std::move(fresh);
  return 0;
}

int64_t link_detach(const Call& call) {
  auto a = call.as<attr::LinkDetach>();
  std::shared_ptr<LinkObject> link;
  if (int64_t err = lookup(call, a.link_fd, link)) return err;
  if (link->type != LinkType::kCgroup) return -EOPNOTSUPP;
  static_cast<CgroupLink&>(*link).leave();
  return 0;
}

int64_t iter_create(const Call& call) {
  auto a = call.as<attr::IterCreate>();
  if (a.flags) return -EINVAL;
  std::shared_ptr<LinkObject> link;
  if (int64_t err = lookup(call, a.link_fd, link)) return err;
  if (link->type != LinkType::kIter) return -EINVAL;
  auto iterator = std::make_shared<IteratorObject>();
  iterator->link = std::move(link);
  return call.kernel.descriptors().open(std::move(iterator), O_RDONLY);
}

}  // namespace drydock::syscall_impl
