// SPDX-License-Identifier: Apache-2.0
#include "emulator/syscall/cgroup.h"

#include <algorithm>
#include <cerrno>

namespace drydock {
namespace {

constexpr size_t kMostPrograms = 64;
const CgroupObject::Attached kNothing;

using Request = CgroupObject::AttachRequest;
using Attached = CgroupObject::Attached;
using Entry = CgroupObject::Entry;

bool flags_go_together(const Request& r) {
  bool replace = r.flags & kAttachReplace;
  if ((r.flags & kAttachOverride) && (r.flags & kAttachMulti)) return false;
  if (replace && (!(r.flags & kAttachMulti) || (r.flags & (kAttachBefore | kAttachAfter))))
    return false;
  return replace == (r.replaced != nullptr) && !(r.link && r.replaced);
}

// Index of the entry to be overwritten, entries.size() for a new one, or a negative errno.
int64_t slot_for(const Attached& list, const Request& r) {
  auto end = static_cast<int64_t>(list.entries.size());
  if (!(r.flags & kAttachMulti)) return 0;
  for (const Entry& e : list.entries) {
    bool same_program = r.program && e.program == r.program && r.program != r.replaced;
    if (same_program || (r.link && e.link == r.link)) return -EINVAL;
  }
  if (!r.replaced) return end;
  for (int64_t i = 0; i < end; ++i)
    if (list.entries[static_cast<size_t>(i)].program == r.replaced) return i;
  return -ENOENT;
}

// Where a new entry goes, or a negative errno.
int64_t position(const Attached& list, const Request& r) {
  bool before = r.flags & kAttachBefore, after = r.flags & kAttachAfter;
  auto end = static_cast<int64_t>(list.entries.size());
  if (!r.anchored) {
    if (end && before && after) return -EINVAL;
    return before ? 0 : end;
  }
  for (int64_t i = 0; i < end; ++i) {
    const Entry& e = list.entries[static_cast<size_t>(i)];
    bool here = r.anchor_program ? e.program == r.anchor_program : e.link == r.anchor_link;
    if (!here) continue;
    if ((e.flags ^ r.flags) & kAttachPreorder) return -EINVAL;
    return before ? i : i + 1;
  }
  return -ENOENT;
}

}  // namespace

CgroupHook cgroup_hook(AttachType type, const ProgramObject& program) {
  return {type, type == AttachType::kLsmCgroup ? program.input.attach_btf_id : 0};
}

CgroupObject::CgroupObject(std::string path, CgroupObject* parent)
    : KernelObject(kKind), path_(std::move(path)), parent_(parent) {}

std::shared_ptr<CgroupObject> CgroupObject::shared_child(const std::string& name) {
  auto& slot = children_[name];
  if (!slot)
    slot = std::make_shared<CgroupObject>(path_ == "/" ? "/" + name : path_ + "/" + name, this);
  return slot;
}
CgroupObject& CgroupObject::child(const std::string& name) { return *shared_child(name); }

const CgroupObject::Attached& CgroupObject::attached(const CgroupHook& hook) const {
  auto found = hooks_.find(hook);
  return found == hooks_.end() ? kNothing : found->second;
}

// The nearest ancestor that has programs decides, unless it takes several.
bool CgroupObject::ancestors_allow(const CgroupHook& hook) const {
  for (const CgroupObject* p = parent_; p; p = p->parent_) {
    const Attached& list = p->attached(hook);
    if (list.flags & kAttachMulti) return true;
    if (!list.entries.empty()) return list.flags & kAttachOverride;
  }
  return true;
}

int64_t CgroupObject::attach(const AttachRequest& r) {
  if (!flags_go_together(r)) return -EINVAL;
  const Attached& now = attached(r.hook);
  uint32_t kept = r.flags & (kAttachOverride | kAttachMulti);
  if (r.revision && r.revision != now.revision) return -ESTALE;
  if (!ancestors_allow(r.hook)) return -EPERM;
  if (!now.entries.empty() && now.flags != kept) return -EPERM;
  if (now.entries.size() >= kMostPrograms) return -E2BIG;
  int64_t slot = slot_for(now, r);
  if (slot < 0) return slot;
  Entry entry{r.program, r.link, r.flags};
  if (static_cast<size_t>(slot) < now.entries.size()) {
    hooks_[r.hook].entries[static_cast<size_t>(slot)] = std::move(entry);
  } else {
    int64_t at = position(now, r);
    if (at < 0) return at;
    auto& entries = hooks_[r.hook].entries;
    entries.insert(entries.begin() + at, std::move(entry));
  }
  Attached& list = hooks_[r.hook];
  list.flags = kept;
  ++list.revision;
  return 0;
}

int64_t CgroupObject::detach(const CgroupHook& hook, const ProgramObject* program,
                             const LinkObject* link, uint64_t revision) {
  const Attached& now = attached(hook);
  if (revision && revision != now.revision) return -ESTALE;
  if (!(now.flags & kAttachMulti)) {
    // A cgroup that takes one program gives it back without being told which.
    if (now.entries.empty()) return -ENOENT;
    Attached& list = hooks_[hook];
    list.entries.clear();
    list.flags = 0;
    ++list.revision;
    return 0;
  }
  if (!program && !link) return -EINVAL;
  Attached& list = hooks_[hook];
  auto found = std::ranges::find_if(list.entries, [&](const Entry& e) {
    return e.program.get() == program && e.link == link;
  });
  if (found == list.entries.end()) return -ENOENT;
  list.entries.erase(found);
  ++list.revision;
  if (list.entries.empty()) list.flags = 0;
  return 0;
}

std::vector<std::shared_ptr<ProgramObject>> CgroupObject::effective(const CgroupHook& hook) const {
  // From here to the root: the ordinary programs in that order, behind those that asked to run
  // before the descendants' (preorder), the root's first.
  std::vector<std::shared_ptr<ProgramObject>> first, rest;
  for (const CgroupObject* p = this; p; p = p->parent_) {
    const Attached& list = p->attached(hook);
    bool any = !first.empty() || !rest.empty();
    if (any && !(list.flags & kAttachMulti)) continue;
    std::vector<std::shared_ptr<ProgramObject>> early;
    for (const Entry& e : list.entries)
      (e.flags & kAttachPreorder ? early : rest).push_back(e.runs());
    first.insert(first.begin(), early.begin(), early.end());
  }
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

}  // namespace drydock
