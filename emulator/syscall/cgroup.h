// SPDX-License-Identifier: Apache-2.0
// The emulated cgroup tree and what is attached to it: the rules of override, multi, preorder and
// of places relative to others, and the effective order in which the programs of a hook run.
//
// Kernel's counterpart: kernel/bpf/cgroup.c. A hook here is an attach type, for LSM_CGROUP together
// with the LSM function.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/syscall/objects.h"

namespace drydock {

// attach_flags of the UAPI.
inline constexpr uint32_t kAttachOverride = 1u << 0, kAttachMulti = 1u << 1,
                          kAttachReplace = 1u << 2, kAttachBefore = 1u << 3, kAttachAfter = 1u << 4,
                          kAttachId = 1u << 5, kAttachPreorder = 1u << 6, kAttachLink = 1u << 13;

/// The place where programs of one kind are attached in a cgroup.
struct CgroupHook {
  AttachType type{};
  uint32_t lsm_function = 0;  // BTF id, for kLsmCgroup only
  auto operator<=>(const CgroupHook&) const = default;
};
CgroupHook cgroup_hook(AttachType type, const ProgramObject& program);

class CgroupObject final : public KernelObject {
 public:
  static constexpr ObjectKind kKind = ObjectKind::kCgroup;

  /// A program attached by itself, or by a link (which then decides which program it is).
  struct Entry {
    std::shared_ptr<ProgramObject> program;  // null with a link
    LinkObject* link = nullptr;              // detaches itself when it goes
    uint32_t flags = 0;
    const std::shared_ptr<ProgramObject>& runs() const { return link ? link->program : program; }
  };
  struct Attached {
    std::vector<Entry> entries;
    uint32_t flags = 0;  // kAttachOverride, kAttachMulti or 0, of the whole list
    uint64_t revision = 1;
  };

  CgroupObject(std::string path, CgroupObject* parent);
  const std::string& path() const { return path_; }
  CgroupObject* parent() const { return parent_; }
  /// The child of that name, made when it is not there.
  CgroupObject& child(const std::string& name);
  std::shared_ptr<CgroupObject> shared_child(const std::string& name);

  struct AttachRequest {
    CgroupHook hook;
    std::shared_ptr<ProgramObject> program;  // or
    LinkObject* link = nullptr;
    std::shared_ptr<ProgramObject> replaced;  // with kAttachReplace
    uint32_t flags = 0;
    std::shared_ptr<ProgramObject> anchor_program;  // before or after which
    const LinkObject* anchor_link = nullptr;
    bool anchored = false;
    uint64_t revision = 0;  // expected; 0: any
  };
  /// 0 or a negative errno.
  int64_t attach(const AttachRequest& request);
  int64_t detach(const CgroupHook& hook, const ProgramObject* program, const LinkObject* link,
                 uint64_t revision);
  /// A link runs another program from now on.
  void touched(const CgroupHook& hook) { ++hooks_[hook].revision; }

  const Attached& attached(const CgroupHook& hook) const;
  /// Every hook of this cgroup that has programs.
  const std::map<CgroupHook, Attached>& hooks() const { return hooks_; }
  /// The programs that run here, in their order: this cgroup's and its ancestors'.
  std::vector<std::shared_ptr<ProgramObject>> effective(const CgroupHook& hook) const;

 private:
  bool ancestors_allow(const CgroupHook& hook) const;
  std::string path_;
  CgroupObject* parent_;
  std::map<std::string, std::shared_ptr<CgroupObject>> children_;
  std::map<CgroupHook, Attached> hooks_;
};

}  // namespace drydock
