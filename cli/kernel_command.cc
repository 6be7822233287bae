// SPDX-License-Identifier: Apache-2.0
// `drydock kernel`: the profiles there are, what one holds, making one; images for virtual
// machines.
#include <fmt/core.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/room_profile.h"
#include "emulator/loader/type_header.h"
#include "kernel/features.h"
#include "kernel/fetch/fetch.h"
#include "kernel/fetch/known_kernels.h"
#include "kernel/profile_catalog.h"
#include "kernel/profile_file.h"
#include "referee/probe.h"

namespace drydock::cli {
namespace {

struct KernelOptions {
  std::string name = std::string(api::kDefaultKernel), format = "text";
  ImportSource source;
  std::string output, cache;
  std::vector<std::string> fetched;
  bool list_known = false;
  std::string with = "host";
  CLI::App *fetch = nullptr, *probe = nullptr, *list = nullptr, *show = nullptr, *import = nullptr,
           *header = nullptr;
};

int show_profile(const KernelOptions& options) {
  auto profile = load_kernel(options.name);
  if (!profile) return complain({ErrorKind::kUsage, profile.error().message, 0});
  const Profile& p = **profile;
  nlohmann::ordered_json doc = {{"schema", 1},
                                {"name", p.name()},
                                {"release", p.release()},
                                {"provenance", p.provenance()},
                                {"btf_types", p.btf()->type_count()},
                                {"modules", p.modules().size()},
                                {"kfuncs", p.kfuncs().size()}};
  doc["features"] = nlohmann::ordered_json::array();
  for (const FeatureInfo& row : all_features())
    if (p.has(row.id)) doc["features"].push_back(row.name);
  if (options.format == "json") {
    fmt::print("{}\n", doc.dump(2));
    return kGood;
  }
  for (const auto& [key, value] : doc.items())
    if (key != "schema" && !value.is_array())
      fmt::print("{:<11} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  fmt::print("features   ");
  for (const auto& feature : doc["features"]) fmt::print(" {}", feature.get<std::string>());
  fmt::print("\n");
  return kGood;
}

int list_profiles(const KernelOptions& options) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (std::string_view name : embedded_profiles()) {
    auto profile = load_kernel(std::string(name));
    if (!profile) return complain(profile.error());
    rows.push_back({{"name", name},
                    {"release", (*profile)->release()},
                    {"provenance", (*profile)->provenance()}});
  }
  if (auto host = load_kernel("host"))
    rows.push_back(
        {{"name", "host"}, {"release", (*host)->release()}, {"provenance", (*host)->provenance()}});
  if (options.format == "json") {
    fmt::print("{}\n", nlohmann::ordered_json{{"schema", 1}, {"kernels", rows}}.dump(2));
    return kGood;
  }
  for (const auto& row : rows)
    fmt::print("{:<8} {:<32} {}\n", row["name"].get<std::string>(),
               row["release"].get<std::string>(), row["provenance"].get<std::string>());
  return kGood;
}

int import_profile(const KernelOptions& options) {
  auto parts = options.source.path == "host" ? import_host() : import_kernel(options.source);
  if (!parts) return complain(parts.error());
  std::string file = options.output.empty() ? parts->name + ".profile" : options.output;
  if (auto checked = ProfileBuilder::build(*parts); !checked) return complain(checked.error());
  if (auto written = write_file(file, encode_profile(*parts)); !written)
    return complain(written.error());
  fmt::print("{}: kernel {} ({})\n", file, parts->release, parts->provenance);
  return kGood;
}

int write_header(const KernelOptions& options) {
  auto profile = load_kernel(options.name);
  if (!profile) return complain({ErrorKind::kUsage, profile.error().message, 0});
  auto text = type_header(*profile);
  if (!text) return complain(text.error());
  if (options.output.empty()) {
    fmt::print("{}", *text);
    return kGood;
  }
  auto written = write_file(options.output, as_byte_span(*text));
  return written ? kGood : complain(written.error());
}

/// A line on standard error that is written over, where that is a terminal.
class ProgressLine {
 public:
  ~ProgressLine() { show(""); }
  void show(const std::string& text) {
    if (!isatty(STDERR_FILENO) || text == shown_) return;
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
    shown_ = text;
  }

 private:
  std::string shown_;
};

int list_known_kernels(const KernelOptions& options) {
  for (const KnownKernel& kernel : known_kernels()) {
    auto there = stored_kernel(options.cache, std::string(kernel.name));
    fmt::print("{:<6} {:<20} {:<44} {}\n", kernel.name, kernel.suite, kernel.image,
               there ? there->image : "not fetched");
  }
  return kGood;
}

int fetch_kernels(const KernelOptions& options) {
  if (options.list_known) return list_known_kernels(options);
  if (options.fetched.empty())
    return complain({ErrorKind::kUsage, "which kernel? (drydock kernel fetch --list)", 0});
  int status = kGood;
  for (const std::string& name : options.fetched) {
    ProgressLine line;
    auto progress = [&](const std::string& what, uint64_t done, uint64_t of) {
      constexpr double kMegabyte = 1e6;
      std::string text = name + ": " + what;
      if (of)
        text +=
            fmt::format(" {:.0f} of {:.0f} MB", static_cast<double>(std::min(done, of)) / kMegabyte,
                        static_cast<double>(of) / kMegabyte);
      line.show(text);
    };
    auto kernel = fetch_kernel(options.cache, name, progress, options.source.modules);
    line.show("");
    if (kernel) {
      fmt::print("{}: {} ({})\n", name, kernel->image, kernel->package);
    } else if (kernel.error().kind == ErrorKind::kUnsupported) {
      fmt::print("{}: skipped: {}\n", name, kernel.error().message);
      if (status == kGood) status = kUnsupported;
    } else {
      status = complain(kernel.error());
    }
  }
  return status;
}

/// The parts of the profile that the target's kernel has.
Result<ProfileParts> parts_of_target(const KernelOptions& options) {
  if (!options.with.starts_with("vm:")) return import_host();
  auto stored = stored_kernel(options.cache, options.with.substr(3));
  if (!stored) return std::unexpected(stored.error());
  return import_kernel({.path = stored->image,
                        .config = stored->config,
                        .name = stored->name,
                        .provenance = stored->package,
                        .modules = options.source.modules});
}

int probe_kernel(const KernelOptions& options) {
  auto target = referee::open_target(options.with, {.cache = options.cache});
  if (!target && target.error().kind == ErrorKind::kUnsupported) {
    fmt::print("skipped: {}\n", target.error().message);
    return kUnsupported;
  }
  if (!target) return complain(target.error());
  auto parts = parts_of_target(options);
  if (!parts) return complain(parts.error());
  auto profile = ProfileBuilder::build(*parts);
  if (!profile) return complain(profile.error());
  ProgressLine line;
  auto probed =
      referee::probe(**target, **profile, [&](const std::string& what, size_t done, size_t of) {
        line.show(of ? fmt::format("{}: {} of {}, {}", options.with, done, of, what)
                     : options.with + ": " + what);
      });
  line.show("");
  if (!probed) return complain(probed.error());
  parts->probed = probed->probed.text();
  parts->symbols = std::move(probed->symbols);
  parts->provenance += "; probed as " + options.with;
  std::string file = options.output.empty() ? parts->name + ".profile" : options.output;
  if (auto written = write_file(file, encode_profile(*parts)); !written)
    return complain(written.error());
  auto compared = referee::compare_with_rows(probed->probed, **profile);
  size_t questions = compared.all();
  fmt::print("{}: {}, {} kinds of program, {} LSM hooks, {} map types\n", file,
             (*target)->release(), probed->probed.callers.size(), probed->probed.lsm_hooks.size(),
             probed->probed.maps.size());
  for (const std::string& caller : probed->unasked) fmt::print("  not loaded there: {}\n", caller);
  fmt::print("Drydock's rows agree on {} of {} answers\n", questions - compared.differences.size(),
             questions);
  for (const std::string& difference : compared.differences) fmt::print("  {}\n", difference);
  return kGood;
}

}  // namespace

Action add_kernel(CLI::App& app) {
  auto options = std::make_shared<KernelOptions>();
  CLI::App* c = app.add_subcommand(
      "kernel", "Kernels: profiles (list, show, import), images for virtual machines (fetch)");
  c->require_subcommand(1);
  options->list = c->add_subcommand("list", "the profiles that --kernel takes by name");
  options->show = c->add_subcommand("show", "what a profile holds");
  options->show->add_option("KERNEL", options->name, "6.18, host, or a profile file")
      ->capture_default_str();
  for (CLI::App* s : {options->list, options->show})
    s->add_option("--format,-f", options->format, "text or json")
        ->check(CLI::IsMember({"text", "json"}));
  options->import = c->add_subcommand(
      "import", "makes a profile from a vmlinuz, a vmlinux, a kernel .deb or the running kernel");
  options->import->add_option("SOURCE", options->source.path, "a file, or `host`")->required();
  options->import->add_option("--config", options->source.config,
                              "the kernel's config, where it is not inside or beside it");
  options->import->add_option("--provenance", options->source.provenance,
                              "what it was made of, for the record (default: the file's name)");
  options->import->add_option("--name", options->source.name, "what --kernel shall call it");
  options->import->add_option(
      "--module-files", options->source.module_files,
      "folder of modules (default: the package, modules/ beside the image, /lib/modules/RELEASE)");
  options->import->add_option("--output,-o", options->output, "the profile file");
  options->header = c->add_subcommand(
      "header", "a kernel's types as C: the vmlinux.h that programs are compiled with");
  options->header->add_option("KERNEL", options->name, "a profile")->capture_default_str();
  options->header->add_option("--output,-o", options->output,
                              "the file (default: standard output)");
  options->fetch = c->add_subcommand(
      "fetch",
      "fetches a distribution's kernel to run in virtual machines (compare --with vm:NAME)");
  options->fetch->add_option("NAME", options->fetched, "5.10, 6.1, 6.12, 6.18, 7.2");
  options->fetch->add_flag("--list", options->list_known, "what can be fetched, and what is there");
  options->fetch->add_option("--cache", options->cache,
                             "where kernels are kept (default: $XDG_CACHE_HOME/drydock)");
  for (CLI::App* s : {options->import, options->fetch})
    s->add_option("--modules", options->source.modules, "modules whose BTF is wanted too: NAME,…")
        ->delimiter(',');
  options->probe = c->add_subcommand(
      "probe", "asks a real kernel what each kind of program may do there, and writes its profile");
  options->probe
      ->add_option("--modules", options->source.modules,
                   "modules whose BTF the profile shall have: NAME,…")
      ->delimiter(',');
  options->probe->add_option("--with", options->with, "host, or vm:NAME")->capture_default_str();
  options->probe->add_option("--output,-o", options->output, "the profile file");
  options->probe->add_option("--cache", options->cache, "where fetched kernels are kept");
  return [options] {
    if (options->probe->parsed()) return probe_kernel(*options);
    if (options->fetch->parsed()) return fetch_kernels(*options);
    if (options->header->parsed()) return write_header(*options);
    if (options->show->parsed()) return show_profile(*options);
    if (options->import->parsed()) return import_profile(*options);
    return list_profiles(*options);
  };
}

}  // namespace drydock::cli
