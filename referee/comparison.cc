// SPDX-License-Identifier: Apache-2.0
#include "referee/comparison.h"

#include <algorithm>
#include <map>
#include <regex>

namespace drydock::referee {
namespace {

std::string program_name(const Pair& p) { return p.object + ":" + p.program; }

class Grouping {
 public:
  void add(std::string cause, const Pair& pair) {
    Group& group = groups_[cause];
    if (group.count++ == 0) {
      group.cause = std::move(cause);
      group.example = program_name(pair);
    }
  }
  std::vector<Group> sorted() const {
    std::vector<Group> list;
    for (const auto& [cause, group] : groups_) list.push_back(group);
    std::ranges::stable_sort(list, std::ranges::greater(), &Group::count);
    return list;
  }

 private:
  std::map<std::string, Group> groups_;
};

}  // namespace

std::string comparable(std::string message) {
  static const std::regex ids(R"(\b(id|ref_obj_id|alloc_insn|map_ptr|fd)=?[ ]?(0x[0-9a-f]+|\d+))");
  return std::regex_replace(message, ids, "$1=N");
}

Summary summarise(const std::vector<Pair>& pairs) {
  Summary s;
  Grouping groups;
  for (const Pair& p : pairs) {
    ++s.programs;
    if (!p.skipped.empty()) {
      ++s.skipped;
      continue;
    }
    bool accepted = p.ours.kind == VerdictKind::kAccepted;
    bool rejected = p.ours.kind == VerdictKind::kRejected;
    if (!accepted && !rejected) {
      ++s.unsupported;
      groups.add("not answered: " + p.ours.message, p);
      continue;
    }
    if (accepted != p.theirs.accepted) {
      ++(accepted ? s.false_accepts : s.false_rejects);
      groups.add(accepted ? "accepted, the kernel rejects: " + comparable(p.theirs.message)
                          : "rejected, the kernel accepts: " + comparable(p.ours.message), p);
      continue;
    }
    ++s.same_verdict;
    if (rejected) {
      ++s.both_reject;
      bool same_errno = p.ours.err == p.theirs.err;
      bool same_message = comparable(p.ours.message) == comparable(p.theirs.message);
      s.same_errno += same_errno;
      s.same_message += same_message;
      if (!same_message) groups.add("message: `" + comparable(p.ours.message) + "`, kernel `" + comparable(p.theirs.message) + "`", p);
      else if (!same_errno) groups.add("errno " + std::to_string(p.ours.err) + ", kernel " + std::to_string(p.theirs.err), p);
    }
    if (!p.theirs.verifier_spoke) continue;
    ++s.counted;
    bool same_count = p.ours.statistics.insns_processed == p.theirs.insns_processed;
    s.same_count += same_count;
    s.same_states += p.ours.statistics.total_states == p.theirs.total_states;
    if (!same_count) groups.add("instructions processed differ, " + p.type, p);
  }
  s.groups = groups.sorted();
  return s;
}

}  // namespace drydock::referee
