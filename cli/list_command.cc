// SPDX-License-Identifier: Apache-2.0
// `drydock list`: what a kernel has, for which programs: the rows that verification itself uses.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "drydock/listing.h"

namespace drydock::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ListOptions {
  std::string what, kernel = std::string(api::kDefaultKernel), format = "text", program_type,
                    attach_type;
};

// A listing is a JSON array of flat rows; text is the same rows in columns.
Json to_json(const api::ListedHelper& h) {
  return {{"id", h.id},
          {"name", h.name},
          {"prototype", h.prototype},
          {"flags", h.flags},
          {"since", h.since},
          {"emulated", h.emulated},
          {"program_types", h.program_types}};
}
Json to_json(const api::ListedKfunc& k) {
  return {{"name", k.name},
          {"flags", k.flags},
          {"sets", k.sets},
          {"since", k.since},
          {"emulated", k.emulated}};
}
Json to_json(const api::ListedMap& m) {
  return {{"type", m.type},
          {"since", m.since},
          {"per_cpu", m.per_cpu},
          {"capability", m.capability},
          {"emulated", m.emulated}};
}
Json to_json(const api::ListedContext& c) {
  Json fields = Json::array();
  for (const api::ListedField& f : c.fields)
    fields.push_back({{"name", f.name},
                      {"offset", f.offset},
                      {"size", f.size},
                      {"read", f.read},
                      {"write", f.write},
                      {"network_order", f.network_order},
                      {"yields", f.yields}});
  return {{"context", c.context},           {"size", c.size},
          {"program_type", c.program_type}, {"attach_type", c.attach_type},
          {"attach_to", c.attach_to},       {"fields", fields}};
}
Json to_json(const api::ListedProgram& p) {
  return {{"program_type", p.program_type}, {"context", p.context},
          {"attach_types", p.attach_types}, {"sections", p.sections},
          {"sleepable", p.sleepable},       {"returns", p.returns}};
}
Json to_json(const api::ListedFeature& f) {
  return {{"feature", f.feature}, {"present", f.present}, {"since", f.since},
          {"until", f.until},     {"config", f.config},   {"what", f.what}};
}

template <auto kList>
Result<Json> rows_of(const api::Profile& profile, const api::ListFilter& filter) {
  auto listed = kList(profile, filter);
  if (!listed) return std::unexpected(listed.error());
  Json rows = Json::array();
  for (const auto& row : *listed) rows.push_back(to_json(row));
  return rows;
}

struct Listing {
  const char* name;
  Result<Json> (*rows)(const api::Profile&, const api::ListFilter&);
};
constexpr Listing kListings[] = {
    {"helpers", rows_of<api::list_helpers>},   {"kfuncs", rows_of<api::list_kfuncs>},
    {"maps", rows_of<api::list_maps>},         {"contexts", rows_of<api::list_contexts>},
    {"programs", rows_of<api::list_programs>}, {"features", rows_of<api::list_features>},
};

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
                 cell(f["name"]), cell(f["size"]), cell(f["read"]), cell(f["write"]),
                 cell(f["yields"]));
  }
}

int run_list(const ListOptions& options) {
  auto profile = load_profile(options.kernel);
  if (!profile) return complain(profile.error());
  Result<Json> rows = Json::array();
  for (const Listing& listing : kListings)
    if (options.what == listing.name)
      rows = listing.rows(*profile, {options.program_type, options.attach_type});
  if (!rows) return complain(rows.error());
  if (options.format == "json") {
    Json doc = {{"schema", 1}, {"kernel", profile->name()}, {options.what, *rows}};
    fmt::print("{}\n", doc.dump(2));
  } else {
    fmt::print("kernel {} ({})\n", profile->name(), profile->release());
    print_text(*rows);
  }
  return kGood;
}

}  // namespace

Action add_list(CLI::App& app) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* c = app.add_subcommand(
      "list", "What a kernel has: helpers, kfuncs, maps, contexts, programs, features");
  c->add_option("WHAT", options->what, "helpers, kfuncs, maps, contexts, programs or features")
      ->required()
      ->check(CLI::IsMember({"helpers", "kfuncs", "maps", "contexts", "programs", "features"}));
  c->add_option("--kernel,-k", options->kernel, "kernel profile")->capture_default_str();
  c->add_option("--program-type", options->program_type, "only what such a program may use");
  c->add_option("--attach-type", options->attach_type, "and with this attach type");
  c->add_option("--format,-f", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  return [options] { return run_list(*options); };
}

}  // namespace drydock::cli
