// SPDX-License-Identifier: Apache-2.0
#include "referee/comparison.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <regex>
#include <set>

namespace drydock::referee {
namespace {

using Kind = Answer::Kind;

constexpr std::string_view kAspectNames[kAspects] = {"verdict", "errno", "message", "insns",
                                                     "states"};

bool reached_kernel(const Answer& a) {
  return a.kind == Kind::kAccepted || a.kind == Kind::kRejected;
}

// Why a kernel's answer says nothing of its verifier; "" when it does.
std::string unusable(const Answer& theirs) {
  switch (theirs.kind) {
    case Kind::kNotLoaded: return "stopped before the program there: " + comparable(theirs.message);
    case Kind::kTimedOut: return "the kernel did not answer in time";
    case Kind::kCrashed: return "the kernel went down over it";
    default: break;
  }
  if (theirs.kind == Kind::kRejected && theirs.err == EPERM && !theirs.verifier_spoke)
    return "that kernel does not let us load such programs (EPERM)";
  return "";
}

std::vector<Aspect> differences(const Answer& ours, const Answer& theirs) {
  if (ours.kind != theirs.kind) return {Aspect::kVerdict};
  std::vector<Aspect> found;
  if (theirs.kind == Kind::kRejected) {
    if (ours.err != theirs.err) found.push_back(Aspect::kErrno);
    if (comparable(ours.message) != comparable(theirs.message)) found.push_back(Aspect::kMessage);
  }
  if (theirs.verifier_spoke) {
    if (ours.insns_processed != theirs.insns_processed) found.push_back(Aspect::kInsns);
    if (ours.total_states != theirs.total_states) found.push_back(Aspect::kStates);
  }
  return found;
}

Pair paired(const Answer& ours, const Answer& theirs) {
  Pair pair{.ours = ours, .theirs = theirs};
  pair.skipped = unusable(theirs);
  if (!pair.skipped.empty()) {
    pair.stopped = theirs.kind == Kind::kNotLoaded && ours.kind == Kind::kNotLoaded;
    if (pair.stopped) pair.skipped.clear();
    return pair;
  }
  pair.differs = differences(ours, theirs);
  return pair;
}

class Grouping {
 public:
  void add(std::string cause, const Pair& pair) {
    Group& group = groups_[cause];
    if (group.count++ == 0) {
      const Answer& named = pair.ours.program.empty() ? pair.theirs : pair.ours;
      group.cause = std::move(cause);
      group.example = named.object + ":" + named.program;
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

// The message with its numbers taken out: what groups differences of one kind.
std::string general(const std::string& message) {
  static const std::regex numbers(R"((0x[0-9a-f]+|\d+))");
  return std::regex_replace(message, numbers, "#").substr(0, 160);
}

std::string outcome(const Answer& a) {
  std::string text(name_of(a.kind));
  return a.message.empty() ? text : text + " `" + general(a.message) + "`";
}

std::string cause_of(const Pair& p) {
  switch (p.differs.front()) {
    case Aspect::kVerdict: return outcome(p.ours) + ", the kernel " + outcome(p.theirs);
    case Aspect::kErrno:
      return "errno " + std::to_string(p.ours.err) + ", the kernel's " +
             std::to_string(p.theirs.err) + ": `" + general(p.theirs.message) + "`";
    case Aspect::kMessage:
      return "message `" + general(p.ours.message) + "`, the kernel's `" +
             general(p.theirs.message) + "`";
    case Aspect::kInsns: return "processed instructions, " + p.ours.program_type;
    case Aspect::kStates: return "total states, " + p.ours.program_type;
  }
  return "";
}

void count(const Pair& p, Summary* s) {
  auto differs = [&](Aspect a) { return std::ranges::count(p.differs, a) != 0; };
  auto tally = [&](Aspect a) {
    Agreement& agreement = s->aspects[static_cast<size_t>(a)];
    ++agreement.of;
    agreement.same += !differs(a);
  };
  tally(Aspect::kVerdict);
  if (differs(Aspect::kVerdict)) {
    if (!reached_kernel(p.ours)) ++s->unanswered;
    else ++(p.ours.kind == Kind::kAccepted ? s->false_accepts : s->false_rejects);
    return;
  }
  if (p.theirs.kind == Kind::kRejected) {
    tally(Aspect::kErrno);
    tally(Aspect::kMessage);
  }
  if (p.theirs.verifier_spoke) {
    tally(Aspect::kInsns);
    tally(Aspect::kStates);
  }
}

}  // namespace

std::string_view name_of(Aspect aspect) { return kAspectNames[static_cast<size_t>(aspect)]; }

std::string comparable(std::string message) {
  static const std::regex ids(R"(\b(id|ref_obj_id|alloc_insn|map_ptr|fd)=?[ ]?(0x[0-9a-f]+|\d+))");
  std::string text = std::regex_replace(message, ids, "$1=N");
  text.erase(text.find_last_not_of(" \r\n") + 1);
  return text;
}

std::vector<Pair> pair_answers(const std::vector<Answer>& ours, const std::vector<Answer>& theirs) {
  std::map<std::pair<std::string, std::string>, const Answer*> by_name;
  for (const Answer& a : theirs) by_name[{a.object, a.program}] = &a;
  std::vector<Pair> pairs;
  std::set<std::pair<std::string, std::string>> taken;
  for (const Answer& a : ours) {
    auto found = by_name.find({a.object, a.program});
    if (found == by_name.end()) {
      pairs.push_back({.ours = a,
                       .skipped = a.program.empty() ? "cannot be opened: " + a.message
                                                    : "that kernel was not asked"});
      continue;
    }
    pairs.push_back(paired(a, *found->second));
    taken.insert(found->first);
  }
  for (const Answer& a : theirs)
    if (!taken.contains({a.object, a.program}))
      pairs.push_back({.ours = {.object = a.object, .program = a.program},
                       .theirs = a,
                       .skipped = "Drydock was not asked"});
  return pairs;
}

Summary summarise(const std::vector<Pair>& pairs) {
  Summary s;
  Grouping differences, skips;
  for (const Pair& p : pairs) {
    ++s.programs;
    if (p.stopped) {
      ++s.stopped;
    } else if (!p.skipped.empty()) {
      ++s.skipped;
      skips.add(general(p.skipped), p);
    } else {
      ++s.compared;
      count(p, &s);
      if (!p.differs.empty()) differences.add(cause_of(p), p);
    }
  }
  s.groups = differences.sorted();
  s.skip_groups = skips.sorted();
  return s;
}

}  // namespace drydock::referee
