// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "helpers/allowlists.h"
#include "helpers/helper_row.h"
#include "helpers/rows.h"
#include "kernel/features.h"

namespace drydock {
namespace {

// --- The rows are in order, unique and complete ------------------------------------------------

constexpr HelperId kHelperCount = kHelperRows.size();

constexpr Release release_of(std::string_view text) {
  Release release;
  uint16_t* part = &release.major;
  for (char c : text) {
    if (c == '.') part = part == &release.major ? &release.minor : &release.patch;
    else *part = static_cast<uint16_t>(*part * 10 + (c - '0'));
  }
  return release;
}

constexpr bool dense() {
  for (HelperId id = 0; id < kHelperCount; ++id)
    if (kHelperRows[id].id != id || kHelperRows[id].name.empty()) return false;
  return true;
}
static_assert(dense(), "row i of helpers.def must be helper i");
static_assert(kHelperCount == helper_id::count && kHelperCount == 212,
              "Linux 6.18 has the helpers 1 to 211");

constexpr bool unique_names() {
  for (HelperId a = 0; a < kHelperCount; ++a)
    for (HelperId b = a + 1; b < kHelperCount; ++b)
      if (kHelperRows[a].name == kHelperRows[b].name) return false;
  return true;
}
static_assert(unique_names());

// Ids are only ever appended, so that releases ascend with them.
constexpr bool releases_ascend() {
  for (HelperId id = 2; id < kHelperCount; ++id)
    if (release_of(kHelperRows[id].since) < release_of(kHelperRows[id - 1].since)) return false;
  return true;
}
static_assert(releases_ascend(), "a `since` in helpers.def is wrong");

constexpr auto kVariants = std::to_array<const HelperRow*>({
#define DRYDOCK_VARIANT(variant_name, ...) &variant::variant_name,
#include "helpers/variants.def"
#undef DRYDOCK_VARIANT
});

constexpr bool names_a_row(const EarlierPrototype& earlier) {
  if (earlier.row.variant.empty()) return true;
  return std::ranges::any_of(kVariants, [&](const HelperRow* row) {
    return row->id == earlier.row.id && row->variant == earlier.row.variant;
  });
}
static_assert(std::ranges::all_of(kEarlierPrototypes, names_a_row));

// What the verifier takes for granted of a prototype.
constexpr bool well_formed(const HelperRow& row) {
  bool ended = false;
  for (size_t i = 0; i < row.args.size(); ++i) {
    const HelperArg& arg = row.args[i];
    bool none = arg.type == kArgNone;
    if (ended && !none) return false;
    ended |= none;
    bool memory = base_type(arg.type) == kArgPtrToMem && !(arg.type & kMemFixedSize);
    ArgType next = i + 1 < row.args.size() ? base_type(row.args[i + 1].type) : kArgNone;
    bool next_is_size = next == kArgConstSize || next == kArgConstSizeOrZero;
    if (memory != next_is_size) return false;
    if ((arg.type & kMemFixedSize) && arg.size == 0) return false;
  }
  return !(row.flags & kHelperChangesPacketData) || row.args[0].type == kArgPtrToCtx;
}
static_assert(std::ranges::all_of(kHelperRows, well_formed));
static_assert(std::ranges::all_of(kEarlierPrototypes, well_formed, &EarlierPrototype::row));

constexpr auto kHasEarlier = [] {
  std::array<bool, kHelperCount> has{};
  for (const EarlierPrototype& earlier : kEarlierPrototypes) has[earlier.row.id] = true;
  return has;
}();

/// The prototype that this release has of the row.
const HelperRow* prototype_in(const HelperRow* row, Release version) {
  if (!kHasEarlier[row->id]) return row;
  for (const EarlierPrototype& earlier : kEarlierPrototypes)
    if (earlier.row.id == row->id && earlier.row.variant == row->variant &&
        version < release_of(earlier.until))
      return &earlier.row;
  return row;
}

constexpr auto kReleases = [] {
  std::array<Release, kHelperCount> releases{};
  for (HelperId id = 1; id < kHelperCount; ++id) releases[id] = release_of(kHelperRows[id].since);
  return releases;
}();

bool holds(CallCondition condition, const CallSite& site, const Profile& profile) {
  return !condition || condition(site, profile);
}

// Is the grant there at all?
bool is_in(const Grant& grant, const Profile& profile) {
  return (grant.config.empty() || profile.config_enabled(grant.config)) &&
         ((grant.since.empty() && grant.until.empty()) ||
          within(profile.version(), grant.since, grant.until));
}

bool has_capability(Capability needed, const CallSite& site) {
  switch (needed) {
    case Capability::kNone: return true;
    case Capability::kBpf: return site.bpf_capable;
    case Capability::kPerfmon: return site.bpf_capable && site.perfmon;
    case Capability::kSysAdmin: return site.sys_admin;
  }
  return false;
}

}  // namespace

const HelperRow* helper_row(HelperId id) {
  return id > 0 && id < kHelperCount ? &kHelperRows[id] : nullptr;
}

const HelperRow* helper_named(std::string_view name) {
  if (name.starts_with("bpf_")) name.remove_prefix(4);
  auto row = std::ranges::find(kHelperRows, name, &HelperRow::name);
  return row != kHelperRows.end() && row->id != 0 ? &*row : nullptr;
}

HelperId helper_count() { return kHelperCount; }

std::span<const HelperRow* const> helper_variants() { return kVariants; }

static HelperAvailability by_rows(HelperId id, const CallSite& site, const Profile& profile) {
  using enum HelperAvailability::Kind;
  if (id >= kHelperCount || (id > 0 && kReleases[id] > profile.version()))
    return {.kind = kUnknownId};
  for (const HelperGroup* group : helper_groups(site.program_type)) {
    if (!has_capability(group->needs, site) || !holds(group->when, site, profile)) continue;
    bool named = false;
    for (const Grant& grant : group->of(id)) {
      if (!is_in(grant, profile)) continue;
      named = true;
      if (!holds(grant.when, site, profile)) continue;
      return {
          .kind = kAllowed,
          .row = prototype_in(grant.variant ? grant.variant : &kHelperRows[id], profile.version()),
          .allowed_at_hook = holds(grant.at_hook, site, profile)};
    }
    if (named) break;
  }
  return {.kind = kNotForProgram, .row = helper_row(id)};
}

HelperAvailability helper_for(HelperId id, const CallSite& site, const Profile& profile) {
  HelperAvailability answer = by_rows(id, site, profile);
  auto said = site.probed ? profile.probed().helper(*site.probed, id) : std::nullopt;
  if (!said) return answer;
  // The kernel was asked as root: its no holds for everybody, its yes for those with every
  // capability. That it sleeps is no matter of the lists here.
  bool allowed = answer.kind == HelperAvailability::Kind::kAllowed && answer.allowed_at_hook;
  bool asleep = answer.row && (answer.row->flags & kHelperMightSleep) && !site.sleepable;
  if (!*said && allowed && !asleep) return {.row = helper_row(id)};
  if (*said && !allowed && site.bpf_capable && site.perfmon && site.sys_admin)
    return {.kind = HelperAvailability::Kind::kAllowed,
            .row = prototype_in(answer.row ? answer.row : helper_row(id), profile.version())};
  return answer;
}

}  // namespace drydock
