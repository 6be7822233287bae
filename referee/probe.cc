// SPDX-License-Identifier: Apache-2.0
#include "referee/probe.h"

#include <algorithm>

#include "base/file.h"
#include "contexts/lsm_hooks.h"
#include "contexts/program_rules.h"
#include "helpers/callers.h"
#include "isa/encoding.h"
#include "kernel/import/decompress.h"
#include "kernel/profile_builder.h"
#include "kernel/uapi.h"
#include "kfuncs/kfunc_row.h"
#include "maps/map_rows.h"
#include "referee/agent_session.h"

namespace drydock::referee {
namespace {

constexpr int kAnswerMs = 180'000;
constexpr uint32_t kSleepable = 1u << 4;

/// Final error lines that are about calling the function at all, not about its arguments.
constexpr std::string_view kMayNotCall[] = {"invalid func ",
                                            "unknown func ",
                                            "program of this type cannot use ",
                                            "helper call is not allowed",
                                            "helper call might sleep",
                                            "sleepable helper ",
                                            "calling kernel function ",
                                            "program must be sleepable to call sleepable kfunc ",
                                            "calling invalid kernel function",
                                            "BPF_CALL uses reserved fields",
                                            "errno "};

bool may_call(std::string_view message) {
  return std::ranges::none_of(kMayNotCall,
                              [&](std::string_view start) { return message.starts_with(start); });
}

/// Whether a program without a call is refused for its hook, and not for what the hook's arguments
/// are.
bool takes_hook(std::string_view message, AttachType attach) {
  if (attach == AttachType::kLsmCgroup) return message.empty();
  return message.find("points to disabled hook") == message.npos &&
         message.find(" is not sleepable") == message.npos && !message.starts_with("errno ");
}

/// Kfuncs of vmlinux: those of modules are there only where the module is. Those that read metadata
/// of a device refuse whoever is not bound to one, before they look at the caller.
std::vector<KfuncListing> kfuncs_of(const Profile& profile) {
  auto all = list_kfuncs(profile);
  std::erase_if(all, [&](const KfuncListing& k) {
    return k.btf != profile.btf().get() || std::ranges::any_of(k.rows, [](const KfuncRow* row) {
             return row->set == KfuncSetId::kXdpMetadata;
           });
  });
  return all;
}

std::vector<Caller> gpl_callers(const Profile& profile) {
  auto callers = all_callers(profile);
  std::erase_if(callers, [](const Caller& caller) { return !caller.site.gpl; });
  return callers;
}

CallsRequest request_of(const Caller& caller) {
  ReturnRule rule = return_rule(caller.site.program_type, caller.site.attach_type);
  return {
      .type = static_cast<uint32_t>(caller.site.program_type),
      .attach_type = static_cast<uint32_t>(caller.load_attach),
      .flags = caller.load_flags,
      .attach_btf_id = caller.attach_btf_id,
      .returns = rule.range.max > 0 || caller.site.attach_type == AttachType::kLsmCgroup ? 1 : 0};
}

class Prober {
 public:
  Prober(AgentSession& session, const Profile& profile, ProbeResult& out,
         const ProbeProgress& progress)
      : session_(session), profile_(profile), out_(out), progress_(progress) {}

  Status run() {
    out_.probed.release = session_.release();
    if (auto done = maps(); !done) return done;
    if (auto done = attach_types(); !done) return done;
    if (auto done = lsm_hooks(); !done) return done;
    if (auto done = callers(); !done) return done;
    return symbols();
  }

 private:
  /// The final error lines: of the program without a call, then of each function.
  struct Called {
    std::string base;
    std::vector<std::string> lines;
  };
  Result<Called> call(const CallsRequest& request) {
    auto json = session_.request("calls", to_json(request), "called", kAnswerMs);
    if (!json) return std::unexpected(json.error());
    Called called{.base = json->value("base", "")};
    Json messages = json->value("messages", Json::array());
    for (const Json& index : json->value("answers", Json::array())) {
      if (!index.is_number_unsigned() || index.get<size_t>() >= messages.size())
        return malformed("an answer of no message");
      called.lines.push_back(messages[index.get<size_t>()].get<std::string>());
    }
    if (called.lines.size() != request.functions.size())
      return malformed("not as many answers as questions");
    return called;
  }

  Status maps() {
    auto types = session_.request("maps", true, "types", kAnswerMs);
    if (!types) return std::unexpected(types.error());
    for (const Json& type : *types)
      out_.probed.maps.emplace_back(name_of(static_cast<MapType>(type.get<uint32_t>())));
    return {};
  }

  Status attach_types() {
    for (const ProgramRules& rules : all_program_rules()) {
      if (rules.attaches_by_btf || !has_program_type(rules.type, profile_)) continue;
      progress_("attach types of " + std::string(name_of(rules.type)), 0, 0);
      std::vector<std::string> taken;
      for (AttachType attach : all_attach_types()) {
        auto called = call({.type = static_cast<uint32_t>(rules.type),
                            .attach_type = static_cast<uint32_t>(attach),
                            .flags = must_be_sleepable(rules.type) ? kSleepable : 0,
                            .returns = return_rule(rules.type, attach).range.max > 0 ? 1 : 0});
        if (!called) return std::unexpected(called.error());
        if (!called->base.starts_with("errno ")) taken.emplace_back(name_of(attach));
      }
      out_.probed.attach_types[std::string(name_of(rules.type))] = std::move(taken);
    }
    return {};
  }

  Status lsm_hooks() {
    static constexpr struct {
      AttachType attach;
      uint32_t flags;
      const char* name;
    } kKinds[] = {{AttachType::kLsmMac, 0, "lsm"},
                  {AttachType::kLsmMac, kSleepable, "lsm.s"},
                  {AttachType::kLsmCgroup, 0, "lsm_cgroup"}};
    size_t number = 0;
    for (const LsmHook& hook : all_lsm_hooks()) {
      progress_("LSM hooks", ++number, all_lsm_hooks().size());
      uint32_t function = profile_.btf()->find("bpf_lsm_" + std::string(hook.name), BtfKind::kFunc);
      if (function == 0) continue;
      std::vector<std::string> taken;
      bool answered = true;
      for (const auto& kind : kKinds) {
        auto called = call({.type = static_cast<uint32_t>(ProgramType::kLsm),
                            .attach_type = static_cast<uint32_t>(kind.attach),
                            .flags = kind.flags,
                            .attach_btf_id = function,
                            .returns = kind.attach == AttachType::kLsmCgroup ? 1 : 0});
        if (!called) return std::unexpected(called.error());
        if (takes_hook(called->base, kind.attach)) taken.emplace_back(kind.name);
        // No trampolines there: the verifier was not asked.
        if (&kind == kKinds && called->base.starts_with("errno ")) answered = false;
      }
      if (answered) out_.probed.lsm_hooks[std::string(hook.name)] = std::move(taken);
    }
    return {};
  }

  void name_asked(const std::vector<KfuncListing>& kfuncs) {
    auto& names = out_.probed.kfuncs;
    for (const KfuncListing& k : kfuncs) names.emplace_back(k.name);
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    names.resize(std::min(names.size(), ProbedCaller::kMost));
    out_.probed.helper_end = helper_count();
  }

  size_t place_of(std::string_view kfunc) const {
    const auto& names = out_.probed.kfuncs;
    return static_cast<size_t>(std::ranges::lower_bound(names, kfunc) - names.begin());
  }

  Status callers() {
    std::vector<uint32_t> helpers;
    for (HelperId id = 1; id < helper_count(); ++id) helpers.push_back(id);
    auto kfuncs = kfuncs_of(profile_);
    std::vector<uint32_t> functions;
    for (const KfuncListing& k : kfuncs) functions.push_back(k.func_id);
    name_asked(kfuncs);
    auto all = gpl_callers(profile_);
    for (size_t i = 0; i < all.size(); ++i) {
      progress_(all[i].name, i, all.size());
      CallsRequest request = request_of(all[i]);
      request.functions = helpers;
      auto said = call(request);
      if (!said) return std::unexpected(said.error());
      if (!said->base.empty()) {  // refused for another reason: nothing is said of what it calls
        out_.unasked.push_back(all[i].name + " (" + said->base + ")");
        continue;
      }
      ProbedCaller& caller = out_.probed.callers[all[i].name];
      for (size_t n = 0; n < helpers.size(); ++n)
        if (may_call(said->lines[n])) caller.helpers.set(helpers[n]);
      request.kfuncs = true;
      request.functions = functions;
      auto kernel = call(request);
      if (!kernel) return std::unexpected(kernel.error());
      for (size_t n = 0; n < functions.size(); ++n)
        if (may_call(kernel->lines[n])) caller.kfuncs.set(place_of(kfuncs[n].name));
    }
    return {};
  }

  Status symbols() {
    progress_("symbols", 0, 0);
    auto packed = session_.request("symbols", true, "packed", kAnswerMs);
    if (!packed) return std::unexpected(packed.error());
    auto bytes = isa::parse_hex_bytes(packed->is_string() ? packed->get<std::string>() : "");
    if (!bytes) return std::unexpected(bytes.error());
    auto text = decompress(*bytes);
    if (!text) return std::unexpected(text.error());
    out_.symbols = KernelSymbols::condense(as_text(*text), *profile_.btf());
    return {};
  }

  AgentSession& session_;
  const Profile& profile_;
  ProbeResult& out_;
  const ProbeProgress& progress_;
};

}  // namespace

Result<ProbeResult> probe(Target& target, const Profile& profile, const ProbeProgress& progress) {
  ProbeResult result;
  auto done = target.talk([&](AgentSession& session) -> Status {
    if (session.release() != profile.release())
      return unsupported("the profile is of " + profile.release() + ", the kernel is " +
                         session.release());
    return Prober(session, profile, result, progress).run();
  });
  if (!done) return std::unexpected(done.error());
  return result;
}

namespace {

template <class Note>
void compare_hooks(const Probed& probed, const Profile& profile, ProbeComparison& out,
                   const Note& note) {
  for (const LsmHook& hook : all_lsm_hooks()) {
    auto plain = probed.lsm(hook.name, "lsm"), sleeping = probed.lsm(hook.name, "lsm.s");
    if (!plain || !sleeping) continue;
    bool takes = !hook.has(kLsmDisabled, profile);
    out.hooks += 2;
    note(takes, *plain, "LSM hook " + std::string(hook.name));
    note(takes && hook.has(kLsmSleepable, profile), *sleeping,
         "LSM hook " + std::string(hook.name) + " (sleepable)");
  }
  for (const ProgramRules& rules : all_program_rules()) {
    for (AttachType attach : all_attach_types()) {
      auto said = probed.attach(name_of(rules.type), name_of(attach));
      if (!said) continue;
      ++out.attach_types;
      note(accepts_attach_type(rules.type, stored_attach_type(rules.type, attach), profile), *said,
           std::string(name_of(rules.type)) + " with attach type " + std::string(name_of(attach)));
    }
  }
}

}  // namespace

ProbeComparison compare_with_rows(const Probed& probed, const Profile& profile) {
  ProbeComparison out;
  auto note = [&](bool ours, bool theirs, const std::string& what) {
    if (ours != theirs)
      out.differences.push_back(what + (theirs ? ": only the kernel allows it"
                                               : ": only the rows allow it"));
  };
  for (const MapRow& row : map_rows()) {
    if (!row.make) continue;
    ++out.maps;
    note(has_map_type(row, profile), probed.map(name_of(row.type)).value_or(false),
         "map type " + std::string(name_of(row.type)));
  }
  compare_hooks(probed, profile, out, note);
  auto kfuncs = kfuncs_of(profile);
  for (const Caller& caller : gpl_callers(profile)) {
    auto said = probed.callers.find(caller.name);
    if (said == probed.callers.end()) continue;
    for (HelperId id = 1; id < helper_count(); ++id) {
      HelperAvailability answer = helper_for(id, caller.site, profile);
      bool ours = answer.kind == HelperAvailability::Kind::kAllowed && answer.allowed_at_hook &&
                  (caller.site.sleepable || !(answer.row->flags & kHelperMightSleep));
      ++out.helpers;
      note(ours, said->second.helpers[id],
           caller.name + " calls bpf_" + std::string(helper_row(id)->name));
    }
    for (const KfuncListing& k : kfuncs) {
      KfuncAvailability answer = kfunc_for(*k.btf, k.func_id, caller.site, profile);
      auto theirs = probed.kfunc(said->second, k.name);
      if (answer.kind == KfuncAvailability::Kind::kNoRow || !theirs) continue;
      bool ours = answer.kind == KfuncAvailability::Kind::kAllowed &&
                  (caller.site.sleepable || !(answer.flags & kKfSleepable));
      ++out.kfuncs;
      note(ours, *theirs, caller.name + " calls kfunc " + std::string(k.name));
    }
  }
  return out;
}

}  // namespace drydock::referee
