// SPDX-License-Identifier: Apache-2.0
// `drydock list`: what a kernel has, for which programs: the rows that verification itself uses.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "contexts/listing.h"
#include "helpers/listing.h"
#include "kernel/features.h"
#include "kfuncs/kfunc_row.h"
#include "kernel/profile_builder.h"
#include "maps/map.h"
#include "maps/map_rows.h"

namespace drydock::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ListOptions {
  std::string what, kernel = "6.18", format = "text", program_type, attach_type;
};

/// A listing is a JSON array of flat rows; text is the same rows in columns.
Json names(const std::vector<ProgramType>& types) {
  Json list = Json::array();
  for (ProgramType type : types) list.push_back(name_of(type));
  return list;
}

Json helper_rows(const Profile& profile, const std::optional<CallSite>& site) {
  Json rows = Json::array();
  for (const HelperListing& h : site ? list_helpers(profile, *site) : list_helpers(profile))
    rows.push_back({{"id", h.row->id}, {"name", "bpf_" + std::string(h.row->name)},
                    {"prototype", prototype_text(*h.row)}, {"flags", flags_text(*h.row)},
                    {"since", h.row->since}, {"emulated", helper_function(h.row->id) != nullptr},
                    {"program_types", names(h.callers)}});
  return rows;
}

Json kfunc_rows(const Profile& profile, const std::optional<CallSite>& site) {
  Json rows = Json::array();
  for (const KfuncListing& k : site ? list_kfuncs(profile, *site) : list_kfuncs(profile)) {
    Json flags = Json::array();
    for (uint32_t bit = 1; bit; bit <<= 1)
      if (k.flags & bit) flags.push_back(kfunc_flag_name(static_cast<KfuncFlag>(bit)));
    Json sets = Json::array();
    for (const KfuncRow* row : k.rows) sets.push_back(kfunc_set(row->set).name);
    rows.push_back({{"name", k.name}, {"flags", flags}, {"sets", sets},
                    {"since", k.rows.empty() ? std::string_view() : k.rows.front()->since},
                    {"emulated", kfunc_function(k.name) != nullptr}});
  }
  return rows;
}

Json map_rows_json(const Profile& profile) {
  Json rows = Json::array();
  for (const MapRow& row : map_rows()) {
    auto since = parse_release(row.since);
    if (since && profile.version() < *since) continue;
    rows.push_back({{"type", name_of(row.type)}, {"since", row.since}, {"per_cpu", row.percpu},
                    {"capability", row.net_admin ? "net_admin" : row.privileged ? "bpf" : ""},
                    {"emulated", row.make != make_inert_map}});
  }
  return rows;
}

Json context_rows(const Profile& profile, const ListFilter& filter) {
  Json rows = Json::array();
  for (const ContextListing& c : list_contexts(profile, filter)) {
    Json fields = Json::array();
    for (const FieldListing& f : c.fields)
      fields.push_back({{"name", f.name}, {"offset", f.offset}, {"size", f.size},
                        {"read", text_of(f.read)}, {"write", text_of(f.write)},
                        {"network_order", f.order == ByteOrder::kNetwork}, {"yields", f.yields}});
    rows.push_back({{"context", c.name}, {"size", c.size},
                    {"program_type", name_of(c.program_type)},
                    {"attach_type", c.attach_type ? name_of(*c.attach_type) : std::string_view()},
                    {"attach_to", c.attach_to}, {"fields", fields}});
  }
  return rows;
}

Json program_rows(const Profile& profile, const ListFilter& filter) {
  Json rows = Json::array();
  for (const ProgramListing& p : list_programs(profile, filter)) {
    Json attach = Json::array();
    for (AttachType type : p.attach_types) attach.push_back(name_of(type));
    rows.push_back({{"program_type", name_of(p.type)}, {"context", p.context},
                    {"attach_types", attach}, {"sections", p.sections},
                    {"sleepable", p.sleepable}, {"returns", p.returns}});
  }
  return rows;
}

Json feature_rows(const Profile& profile) {
  Json rows = Json::array();
  for (const FeatureInfo& row : all_features())
    rows.push_back({{"feature", row.name}, {"present", profile.has(row.id)}, {"since", row.since},
                    {"until", row.until}, {"config", row.config}, {"what", row.what}});
  return rows;
}

std::string cell(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const Json& item : value) text += (text.empty() ? "" : ",") + cell(item);
  return text;
}

/// Contexts print a block each, everything else a line a row.
void print_text(const Json& rows) {
  for (const Json& row : rows) {
    std::string line;
    for (const auto& [key, value] : row.items()) {
      if (value.is_array() && !value.empty() && value.front().is_object()) continue;
      std::string text = cell(value);
      if (!text.empty()) line += (line.empty() ? "" : "  ") + key + "=" + text;
    }
    fmt::print("{}\n", line);
    if (!row.contains("fields")) continue;
    for (const Json& f : row["fields"])
      fmt::print("    {:>4} {:<20} {:>3} bytes  read {:<10} write {:<8} {}\n", cell(f["offset"]),
                 cell(f["name"]), cell(f["size"]), cell(f["read"]), cell(f["write"]), cell(f["yields"]));
  }
}

int usage(std::string message) { return complain({ErrorKind::kUsage, std::move(message), 0}); }

int run_list(const ListOptions& options) {
  auto profile = load_kernel(options.kernel);
  if (!profile) return usage(profile.error().message);
  ListFilter filter;
  std::optional<CallSite> site;
  if (!options.program_type.empty()) {
    filter.program_type = program_type_named(options.program_type);
    if (!filter.program_type) return usage("unknown program type `" + options.program_type + "`");
    site = CallSite{.program_type = *filter.program_type};
  }
  if (!options.attach_type.empty()) {
    filter.attach_type = attach_type_named(options.attach_type);
    if (!filter.attach_type) return usage("unknown attach type `" + options.attach_type + "`");
    if (!site) return usage("--attach-type goes with --program-type");
    site->attach_type = *filter.attach_type;
  }
  Json rows;
  if (options.what == "helpers") rows = helper_rows(**profile, site);
  else if (options.what == "kfuncs") rows = kfunc_rows(**profile, site);
  else if (options.what == "maps") rows = map_rows_json(**profile);
  else if (options.what == "contexts") rows = context_rows(**profile, filter);
  else if (options.what == "programs") rows = program_rows(**profile, filter);
  else rows = feature_rows(**profile);
  if (options.format == "json") {
    Json doc = {{"schema", 1}, {"kernel", (*profile)->name()}, {options.what, rows}};
    fmt::print("{}\n", doc.dump(2));
  } else {
    fmt::print("kernel {} ({})\n", (*profile)->name(), (*profile)->release());
    print_text(rows);
  }
  return kGood;
}

}  // namespace

Action add_list(CLI::App& app) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* c = app.add_subcommand("list", "What a kernel has: helpers, kfuncs, maps, contexts, programs, features");
  c->add_option("WHAT", options->what, "helpers, kfuncs, maps, contexts, programs or features")
      ->required()
      ->check(CLI::IsMember({"helpers", "kfuncs", "maps", "contexts", "programs", "features"}));
  c->add_option("--kernel,-k", options->kernel, "kernel profile")->capture_default_str();
  c->add_option("--program-type", options->program_type, "only what such a program may use");
  c->add_option("--attach-type", options->attach_type, "and with this attach type");
  c->add_option("--format,-f", options->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
  return [options] { return run_list(*options); };
}

}  // namespace drydock::cli
