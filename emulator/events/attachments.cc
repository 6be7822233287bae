// SPDX-License-Identifier: Apache-2.0
#include "emulator/events/attachments.h"

#include <algorithm>
#include <cerrno>

namespace drydock {
namespace {

constexpr uint32_t kModes = kAllowOverride | kAllowMulti;
constexpr size_t kMostPrograms = 64;

Status refuse(int err, const std::string& cgroup, std::string_view why) {
  return std::unexpected(
      Error{ErrorKind::kMalformed, "attaching to cgroup " + cgroup + ": " + std::string(why), err});
}

}  // namespace

std::string parent_cgroup(const std::string& path) {
  if (path == "/" || path.empty()) return "";
  size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

const Attachments::Node* Attachments::find(const std::string& cgroup, const AttachPoint& point) const {
  auto found = nodes_.find({cgroup, point});
  return found == nodes_.end() || found->second.programs.empty() ? nullptr : &found->second;
}

/// The nearest ancestor with programs decides: multiple and overridable ones allow more below.
bool Attachments::ancestors_allow(const std::string& cgroup, const AttachPoint& point) const {
  for (std::string at = parent_cgroup(cgroup); !at.empty(); at = parent_cgroup(at)) {
    const Node* node = find(at, point);
    if (!node) continue;
    if (node->mode & kAllowMulti) return true;
    return node->mode & kAllowOverride;
  }
  return true;
}

Status Attachments::attach(const std::string& cgroup, const AttachPoint& point, Attachment attachment) {
  uint32_t mode = attachment.flags & kModes;
  if (mode == kModes) return refuse(EINVAL, cgroup, "override and multi exclude each other");
  if (!ancestors_allow(cgroup, point))
    return refuse(EPERM, cgroup, "an ancestor's attachment excludes others");
  Node& node = nodes_[{cgroup, point}];
  if (!node.programs.empty() && node.mode != mode)
    return refuse(EPERM, cgroup, "it has attachments of another mode");
  if (mode & kAllowMulti) {
    auto same = [&](const Attachment& a) { return a.program == attachment.program; };
    if (std::ranges::any_of(node.programs, same))
      return refuse(EINVAL, cgroup, "the program is attached already");
    if (node.programs.size() >= kMostPrograms)
      return refuse(E2BIG, cgroup, "too many programs");
  } else {
    node.programs.clear();  // one at a time: a second attachment replaces the first
  }
  node.mode = mode;
  node.programs.push_back(std::move(attachment));
  return {};
}

Status Attachments::detach(const std::string& cgroup, const AttachPoint& point,
                           const ProgramObject* program) {
  auto found = nodes_.find({cgroup, point});
  if (found == nodes_.end() || found->second.programs.empty())
    return refuse(ENOENT, cgroup, "nothing is attached");
  auto& programs = found->second.programs;
  bool one = !(found->second.mode & kAllowMulti);
  auto at = one && !program
                ? programs.begin()
                : std::ranges::find(programs, program, [](const Attachment& a) { return a.program.get(); });
  if (at == programs.end()) return refuse(ENOENT, cgroup, "the program is not attached");
  programs.erase(at);
  return {};
}

std::vector<Attachment> Attachments::effective(const std::string& cgroup, const AttachPoint& point) const {
  std::vector<Attachment> first, rest;
  for (std::string at = cgroup; !at.empty(); at = parent_cgroup(at)) {
    const Node* node = find(at, point);
    bool runs = node && ((first.empty() && rest.empty()) || (node->mode & kAllowMulti));
    if (!runs) continue;
    std::vector<Attachment> preordered;
    for (const Attachment& a : node->programs)
      (a.flags & kPreorder ? preordered : rest).push_back(a);
    first.insert(first.begin(), preordered.begin(), preordered.end());
  }
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

const std::vector<Attachment>& Attachments::own(const std::string& cgroup, const AttachPoint& point) const {
  static const std::vector<Attachment> none;
  const Node* node = find(cgroup, point);
  return node ? node->programs : none;
}

}  // namespace drydock
