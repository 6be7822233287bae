// SPDX-License-Identifier: Apache-2.0
// The rows of the rooms below as plain values.
#include "drydock/listing.h"

#include <optional>

#include "contexts/listing.h"
#include "helpers/listing.h"
#include "kernel/features.h"
#include "kernel/profile_builder.h"
#include "kfuncs/kfunc_row.h"
#include "library/impl.h"
#include "maps/map.h"
#include "maps/map_rows.h"

namespace drydock::api {
namespace {

std::unexpected<Error> usage(std::string message) {
  return std::unexpected(Error{ErrorKind::kUsage, std::move(message)});
}

/// The filter with its names resolved.
Result<drydock::ListFilter> resolve(const ListFilter& filter) {
  drydock::ListFilter out;
  if (!filter.program_type.empty()) {
    out.program_type = program_type_named(filter.program_type);
    if (!out.program_type) return usage("unknown program type `" + filter.program_type + "`");
  }
  if (filter.attach_type.empty()) return out;
  out.attach_type = attach_type_named(filter.attach_type);
  if (!out.attach_type) return usage("unknown attach type `" + filter.attach_type + "`");
  if (!out.program_type) return usage("an attach type goes with a program type");
  return out;
}

std::optional<CallSite> site_of(const drydock::ListFilter& filter) {
  if (!filter.program_type) return std::nullopt;
  return CallSite{.program_type = *filter.program_type,
                  .attach_type = filter.attach_type.value_or(AttachType{})};
}

template <class Types>
std::vector<std::string> names(const Types& types) {
  std::vector<std::string> list;
  for (auto type : types) list.emplace_back(name_of(type));
  return list;
}

std::vector<std::string> flag_names(uint32_t flags) {
  std::vector<std::string> list;
  for (uint32_t bit = 1; bit; bit <<= 1)
    if (flags & bit) list.emplace_back(kfunc_flag_name(static_cast<KfuncFlag>(bit)));
  return list;
}

}  // namespace

Result<std::vector<ListedHelper>> list_helpers(const Profile& profile, const ListFilter& filter) {
  auto wanted = resolve(filter);
  if (!wanted) return std::unexpected(wanted.error());
  auto site = site_of(*wanted);
  const drydock::Profile& p = *profile.impl().profile;
  std::vector<ListedHelper> rows;
  for (const HelperListing& h : site ? drydock::list_helpers(p, *site) : drydock::list_helpers(p))
    rows.push_back({h.row->id, "bpf_" + std::string(h.row->name), prototype_text(*h.row),
                    flags_text(*h.row), std::string(h.row->since), is_emulated(h.row->id),
                    names(h.callers)});
  return rows;
}

Result<std::vector<ListedKfunc>> list_kfuncs(const Profile& profile, const ListFilter& filter) {
  auto wanted = resolve(filter);
  if (!wanted) return std::unexpected(wanted.error());
  auto site = site_of(*wanted);
  const drydock::Profile& p = *profile.impl().profile;
  std::vector<ListedKfunc> rows;
  for (const KfuncListing& k : site ? drydock::list_kfuncs(p, *site) : drydock::list_kfuncs(p)) {
    std::vector<std::string> sets;
    for (const KfuncRow* row : k.rows) sets.emplace_back(kfunc_set(row->set).name);
    rows.push_back({std::string(k.name), flag_names(k.flags), std::move(sets),
                    k.rows.empty() ? "" : std::string(k.rows.front()->since),
                    kfunc_function(k.name) != nullptr});
  }
  return rows;
}

Result<std::vector<ListedMap>> list_maps(const Profile& profile, const ListFilter& filter) {
  if (auto wanted = resolve(filter); !wanted) return std::unexpected(wanted.error());
  std::vector<ListedMap> rows;
  for (const MapRow& row : map_rows()) {
    auto since = parse_release(row.since);
    if (since && profile.impl().profile->version() < *since) continue;
    rows.push_back({std::string(name_of(row.type)), std::string(row.since), row.percpu,
                    row.net_admin    ? "net_admin"
                    : row.privileged ? "bpf"
                                     : "",
                    row.make != make_inert_map});
  }
  return rows;
}

Result<std::vector<ListedContext>> list_contexts(const Profile& profile, const ListFilter& filter) {
  auto wanted = resolve(filter);
  if (!wanted) return std::unexpected(wanted.error());
  std::vector<ListedContext> rows;
  for (const ContextListing& c : drydock::list_contexts(*profile.impl().profile, *wanted)) {
    ListedContext row{std::string(c.name),
                      c.size,
                      std::string(name_of(c.program_type)),
                      c.attach_type ? std::string(name_of(*c.attach_type)) : "",
                      c.attach_to,
                      {}};
    for (const FieldListing& f : c.fields)
      row.fields.push_back({std::string(f.name), f.offset, f.size, text_of(f.read),
                            text_of(f.write), f.order == ByteOrder::kNetwork, f.yields});
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<ListedProgram>> list_programs(const Profile& profile, const ListFilter& filter) {
  auto wanted = resolve(filter);
  if (!wanted) return std::unexpected(wanted.error());
  std::vector<ListedProgram> rows;
  for (const ProgramListing& p : drydock::list_programs(*profile.impl().profile, *wanted))
    rows.push_back({std::string(name_of(p.type)),
                    std::string(p.context),
                    names(p.attach_types),
                    {p.sections.begin(), p.sections.end()},
                    p.sleepable,
                    p.returns});
  return rows;
}

Result<std::vector<ListedFeature>> list_features(const Profile& profile, const ListFilter& filter) {
  if (auto wanted = resolve(filter); !wanted) return std::unexpected(wanted.error());
  std::vector<ListedFeature> rows;
  for (const FeatureInfo& row : all_features())
    rows.push_back({std::string(row.name), profile.impl().profile->has(row.id),
                    std::string(row.since), std::string(row.until), std::string(row.config),
                    std::string(row.what)});
  return rows;
}

}  // namespace drydock::api
