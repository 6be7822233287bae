// SPDX-License-Identifier: Apache-2.0
#include "kfuncs/kfunc_row.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>

#include "kfuncs/filters.h"

namespace drydock {
namespace {

// --- Hooks --------------------------------------------------------------------------------------

constexpr KfuncHooks hook_bit(KfuncHook hook) { return 1u << static_cast<unsigned>(hook); }
constexpr KfuncHooks kOnCommon = hook_bit(KfuncHook::kCommon), kOnXdp = hook_bit(KfuncHook::kXdp),
                     kOnTc = hook_bit(KfuncHook::kTc),
                     kOnStructOps = hook_bit(KfuncHook::kStructOps),
                     kOnTracing = hook_bit(KfuncHook::kTracing),
                     kOnSyscall = hook_bit(KfuncHook::kSyscall),
                     kOnCgroup = hook_bit(KfuncHook::kCgroup),
                     kOnSchedAct = hook_bit(KfuncHook::kSchedAct),
                     kOnSkSkb = hook_bit(KfuncHook::kSkSkb),
                     kOnSocketFilter = hook_bit(KfuncHook::kSocketFilter),
                     kOnLwt = hook_bit(KfuncHook::kLwt),
                     kOnNetfilter = hook_bit(KfuncHook::kNetfilter),
                     kOnKprobe = hook_bit(KfuncHook::kKprobe);

constexpr std::string_view kHookNames[] = {
    "common", "xdp",           "tc",  "struct_ops", "tracing", "syscall", "cgroup", "sched_act",
    "sk_skb", "socket_filter", "lwt", "netfilter",  "kprobe",  "",
};
static_assert(std::size(kHookNames) == static_cast<size_t>(KfuncHook::kNone) + 1);

struct HookOfType {
  ProgramType type;
  KfuncHook hook;
  Release since;
};
constexpr HookOfType kHookOfTypes[] = {
    {ProgramType::kXdp, KfuncHook::kXdp, {5, 18, 0}},
    {ProgramType::kSchedCls, KfuncHook::kTc, {5, 18, 0}},
    {ProgramType::kStructOps, KfuncHook::kStructOps, {5, 18, 0}},
    {ProgramType::kTracing, KfuncHook::kTracing, {5, 18, 0}},
    {ProgramType::kTracepoint, KfuncHook::kTracing, {6, 12, 0}},
    {ProgramType::kPerfEvent, KfuncHook::kTracing, {6, 12, 0}},
    {ProgramType::kRawTracepoint, KfuncHook::kTracing, {7, 0, 0}},
    {ProgramType::kLsm, KfuncHook::kTracing, {6, 1, 0}},
    {ProgramType::kSyscall, KfuncHook::kSyscall, {5, 18, 0}},
    {ProgramType::kCgroupSkb, KfuncHook::kCgroup, {6, 4, 0}},
    {ProgramType::kCgroupSockAddr, KfuncHook::kCgroup, {6, 7, 0}},
    {ProgramType::kCgroupSock, KfuncHook::kCgroup, {6, 12, 0}},
    {ProgramType::kCgroupDevice, KfuncHook::kCgroup, {6, 12, 0}},
    {ProgramType::kCgroupSockopt, KfuncHook::kCgroup, {6, 12, 0}},
    {ProgramType::kCgroupSysctl, KfuncHook::kCgroup, {6, 12, 0}},
    {ProgramType::kSockOps, KfuncHook::kCgroup, {6, 15, 0}},
    {ProgramType::kSchedAct, KfuncHook::kSchedAct, {6, 4, 0}},
    {ProgramType::kSkSkb, KfuncHook::kSkSkb, {6, 4, 0}},
    {ProgramType::kSocketFilter, KfuncHook::kSocketFilter, {6, 4, 0}},
    {ProgramType::kLwtIn, KfuncHook::kLwt, {6, 4, 0}},
    {ProgramType::kLwtOut, KfuncHook::kLwt, {6, 4, 0}},
    {ProgramType::kLwtXmit, KfuncHook::kLwt, {6, 4, 0}},
    {ProgramType::kLwtSeg6local, KfuncHook::kLwt, {6, 4, 0}},
    {ProgramType::kNetfilter, KfuncHook::kNetfilter, {6, 5, 0}},
    {ProgramType::kKprobe, KfuncHook::kKprobe, {6, 10, 0}},
};

// --- Sets and rows ------------------------------------------------------------------------------

constexpr auto kSets = std::to_array<KfuncSet>({
#define DRYDOCK_KFUNC_SET(id, name, hooks, module, config, filter) \
  {KfuncSetId::id, name, hooks, module, config, filter},
#include "kfuncs/sets.def"
#undef DRYDOCK_KFUNC_SET
});
static_assert(kSets.size() <= 64, "filters keep sets as bits of 64");

constexpr auto kRows = [] {
  using enum KfuncSetId;
  auto rows = std::to_array<KfuncRow>({
#define DRYDOCK_KFUNC(name, set, flags, since, until, config) \
  {name, set, flags, since, until, config},
#include "kfuncs/rows/common.def"
#include "kfuncs/rows/files.def"
#include "kfuncs/rows/net.def"
#include "kfuncs/rows/objects.def"
#include "kfuncs/rows/sched_ext.def"
#undef DRYDOCK_KFUNC
  });
  std::ranges::sort(rows, [](const KfuncRow& a, const KfuncRow& b) {
    return std::tie(a.name, a.set) < std::tie(b.name, b.set);
  });
  return rows;
}();

constexpr bool unique_rows() {
  for (size_t i = 1; i < kRows.size(); ++i)
    if (kRows[i].name == kRows[i - 1].name && kRows[i].set == kRows[i - 1].set) return false;
  return true;
}
static_assert(unique_rows(), "a kfunc twice in one set");

constexpr bool well_formed(const KfuncRow& row) {
  uint32_t iterator = row.flags & (kKfIterNew | kKfIterNext | kKfIterDestroy);
  if (iterator & (iterator - 1)) return false;
  if (!iterator) return true;
  return row.name.starts_with("bpf_iter_") &&
         row.name.ends_with(iterator == kKfIterNew    ? "_new"
                            : iterator == kKfIterNext ? "_next"
                                                      : "_destroy");
}
static_assert(std::ranges::all_of(kRows, well_formed));

// --- Which rows hold in a kernel ----------------------------------------------------------------

constexpr Release release_of(std::string_view text) {
  Release release;
  uint16_t* part = &release.major;
  for (char c : text) {
    if (c == '.') part = part == &release.major ? &release.minor : &release.patch;
    else *part = static_cast<uint16_t>(*part * 10 + (c - '0'));
  }
  return release;
}

bool in_releases(const KfuncRow& row, const Profile& profile) {
  Release version = profile.version();
  version.patch = 0;
  return (row.since.empty() || version >= release_of(row.since)) &&
         (row.until.empty() || version <= release_of(row.until));
}

bool all_enabled(std::string_view options, const Profile& profile) {
  while (!options.empty()) {
    size_t end = std::min(options.find(' '), options.size());
    if (!profile.config_enabled("CONFIG_" + std::string(options.substr(0, end)))) return false;
    options.remove_prefix(std::min(end + 1, options.size()));
  }
  return true;
}

/// A module's kfuncs are those of its own sets; vmlinux has the rest (and those built in).
bool belongs_to(const KfuncRow& row, const Btf& btf) {
  return btf.is_vmlinux() || kfunc_set(row.set).module == btf.name();
}

/// The kernel's own word on whether the function is a kfunc, or nullopt when it has left none.
struct KernelSays {
  bool known = false;
  bool is_kfunc = false;
  uint32_t flags = 0;
};
KernelSays kernel_says(const Btf& btf, uint32_t func_id, const Profile& profile) {
  if (!btf.is_vmlinux() || !profile.has_kfunc_flags()) return {};
  std::optional<uint32_t> flags = profile.kfunc_flags(func_id);
  return {true, flags.has_value(), flags.value_or(0)};
}

bool row_holds(const KfuncRow& row, const Btf& btf, bool kernel_confirms, bool any_in_releases,
               const Profile& profile) {
  if (!belongs_to(row, btf)) return false;
  if (kernel_confirms) return in_releases(row, profile) || !any_in_releases;
  return in_releases(row, profile) && all_enabled(row.config, profile) &&
         all_enabled(kfunc_set(row.set).config, profile);
}

/// Calls visit(row) for the rows of that name that hold for that function.
template <class Visit>
void for_each_row(const Btf& btf, std::string_view name, bool kernel_confirms,
                  const Profile& profile, Visit visit) {
  std::span<const KfuncRow> rows = kfunc_rows_named(name);
  bool any = std::ranges::any_of(rows, [&](const KfuncRow& r) { return in_releases(r, profile); });
  for (const KfuncRow& row : rows)
    if (row_holds(row, btf, kernel_confirms, any, profile)) visit(row);
}

bool set_allows(const KfuncRow& row, const CallSite& site, const Profile& profile) {
  const KfuncSet& set = kfunc_set(row.set);
  if (set.hooks & kOnCommon) return true;
  KfuncHook hook = kfunc_hook_of(site.program_type, profile);
  if (hook == KfuncHook::kNone || !(set.hooks & hook_bit(hook))) return false;
  return !set.refuses || !set.refuses(row, site, profile);
}

}  // namespace

std::span<const KfuncRow> all_kfunc_rows() { return kRows; }

std::span<const KfuncRow> kfunc_rows_named(std::string_view name) {
  auto range = std::ranges::equal_range(kRows, name, {}, &KfuncRow::name);
  return {range.begin(), range.end()};
}

const KfuncSet& kfunc_set(KfuncSetId id) { return kSets[static_cast<size_t>(id)]; }

std::string_view name_of(KfuncHook hook) { return kHookNames[static_cast<size_t>(hook)]; }

std::string_view kfunc_flag_name(KfuncFlag flag) {
  switch (flag) {
    case kKfAcquire: return "KF_ACQUIRE";
    case kKfRelease: return "KF_RELEASE";
    case kKfRetNull: return "KF_RET_NULL";
    case kKfKptrGet: return "KF_KPTR_GET";
    case kKfTrustedArgs: return "KF_TRUSTED_ARGS";
    case kKfSleepable: return "KF_SLEEPABLE";
    case kKfDestructive: return "KF_DESTRUCTIVE";
    case kKfRcu: return "KF_RCU";
    case kKfIterNew: return "KF_ITER_NEW";
    case kKfIterNext: return "KF_ITER_NEXT";
    case kKfIterDestroy: return "KF_ITER_DESTROY";
    case kKfRcuProtected: return "KF_RCU_PROTECTED";
    case kKfFastcall: return "KF_FASTCALL";
    case kKfArenaRet: return "KF_ARENA_RET";
    case kKfArenaArg1: return "KF_ARENA_ARG1";
    case kKfArenaArg2: return "KF_ARENA_ARG2";
    case kKfImplicitArgs: return "KF_IMPLICIT_ARGS";
  }
  return "";
}

KfuncHook kfunc_hook_of(ProgramType type, const Profile& profile) {
  auto row = std::ranges::find(kHookOfTypes, type, &HookOfType::type);
  return row != std::end(kHookOfTypes) && profile.version() >= row->since ? row->hook
                                                                          : KfuncHook::kNone;
}

static KfuncAvailability by_rows(const Btf& btf, uint32_t func_id, const CallSite& site,
                                 const Profile& profile) {
  KernelSays says = kernel_says(btf, func_id, profile);
  if (says.known && !says.is_kfunc) return {};
  KfuncAvailability answer;
  bool any_row = false;
  for_each_row(btf, btf.name_of(func_id), says.is_kfunc, profile, [&](const KfuncRow& row) {
    any_row = true;
    if (answer.kind == KfuncAvailability::Kind::kAllowed || !set_allows(row, site, profile)) return;
    answer = {KfuncAvailability::Kind::kAllowed, &row, says.is_kfunc ? says.flags : row.flags};
  });
  if (!any_row && says.is_kfunc) {
    answer.kind = KfuncAvailability::Kind::kNoRow;
    answer.flags = says.flags;
  }
  return answer;
}

std::optional<uint32_t> kfunc_flags_seen(const Btf& btf, uint32_t func_id, ProgramType type,
                                         const Profile& profile) {
  const KernelSays says = kernel_says(btf, func_id, profile);
  if (says.known && !says.is_kfunc) return std::nullopt;
  const KfuncHook hook = kfunc_hook_of(type, profile);
  const KfuncHooks hooks = kOnCommon | (hook == KfuncHook::kNone ? 0 : hook_bit(hook));
  std::optional<uint32_t> flags;
  for_each_row(btf, btf.name_of(func_id), says.is_kfunc, profile, [&](const KfuncRow& row) {
    if (kfunc_set(row.set).hooks & hooks) flags = says.is_kfunc ? says.flags : row.flags;
  });
  return flags;
}

KfuncAvailability kfunc_for(const Btf& btf, uint32_t func_id, const CallSite& site,
                            const Profile& profile) {
  using enum KfuncAvailability::Kind;
  KfuncAvailability answer = by_rows(btf, func_id, site, profile);
  if (!site.probed || !btf.is_vmlinux()) return answer;
  std::string_view name = btf.name_of(func_id);
  auto said = profile.probed().kfunc(*site.probed, name);
  if (!said || answer.kind == kNoRow) return answer;
  // That it sleeps is no matter of the sets.
  bool asleep = (answer.flags & kKfSleepable) && !site.sleepable;
  if (!*said && answer.kind == kAllowed && !asleep) return {};
  if (!*said || answer.kind == kAllowed) return answer;
  std::span<const KfuncRow> rows = kfunc_rows_named(name);
  if (rows.empty()) return {.kind = kNoRow};
  KernelSays says = kernel_says(btf, func_id, profile);
  return {kAllowed, &rows.front(), says.is_kfunc ? says.flags : rows.front().flags};
}

namespace {

void list_of_btf(const Btf& btf, const Profile& profile, std::vector<KfuncListing>& out) {
  for (uint32_t id = btf.start_id(); id < btf.type_count(); ++id) {
    const BtfType* type = btf.type(id);
    if (!type || type->kind() != BtfKind::kFunc) continue;
    KernelSays says = kernel_says(btf, id, profile);
    if (says.known && !says.is_kfunc) continue;
    KfuncListing entry{.name = btf.name_of(*type), .btf = &btf, .func_id = id};
    for_each_row(btf, entry.name, says.is_kfunc, profile, [&](const KfuncRow& row) {
      entry.rows.push_back(&row);
      entry.hooks |= kfunc_set(row.set).hooks;
      entry.flags = row.flags;
    });
    if (says.is_kfunc) entry.flags = says.flags;
    if (says.is_kfunc || !entry.rows.empty()) out.push_back(std::move(entry));
  }
}

}  // namespace

std::vector<KfuncListing> list_kfuncs(const Profile& profile) {
  std::vector<KfuncListing> out;
  list_of_btf(*profile.btf(), profile, out);
  for (const auto& module : profile.modules()) list_of_btf(*module, profile, out);
  std::ranges::sort(out, [](const KfuncListing& a, const KfuncListing& b) {
    return a.name != b.name ? a.name < b.name : a.func_id < b.func_id;
  });
  return out;
}

std::vector<KfuncListing> list_kfuncs(const Profile& profile, const CallSite& site) {
  std::vector<KfuncListing> out = list_kfuncs(profile);
  std::erase_if(out, [&](const KfuncListing& entry) {
    return kfunc_for(*entry.btf, entry.func_id, site, profile).kind !=
           KfuncAvailability::Kind::kAllowed;
  });
  return out;
}

}  // namespace drydock
