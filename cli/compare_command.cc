// SPDX-License-Identifier: Apache-2.0
// `drydock compare`: the same programs on the emulated kernel and on real ones.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "referee/compare_run.h"

namespace drydock::cli {
namespace {

namespace fs = std::filesystem;

struct CompareOptions {
  std::vector<std::string> what, merge;
  std::string with = "host", format = "text", output, html, ledger, shard, source;
  referee::CompareSettings settings;
  size_t groups = 20;
  bool annotations = false;
};

std::unexpected<Error> usage(std::string message) {
  return std::unexpected(Error{ErrorKind::kUsage, std::move(message), 0});
}

// Where a build keeps the suites it knows by name, seen from the command's own folder.
Result<referee::Suite> named_suite(const std::string& name) {
  fs::path build = fs::read_symlink("/proc/self/exe").parent_path();
  fs::path folder = name == "corpus" ? build / "corpus" : build / "../selftests/objects";
  referee::Suite suite{.name = name, .objects = objects_in(folder.lexically_normal())};
  if (suite.objects.empty())
    return not_found("no objects of `" + name + "` in " + folder.lexically_normal().string() +
                     (name == "corpus" ? " (make build)" : " (make selftests)"));
  if (auto version = read_text_file((folder / "../version").lexically_normal())) {
    suite.source = *version;
    suite.source.erase(suite.source.find_last_not_of("\n") + 1);
  }
  return suite;
}

// The suites that the arguments name; files and folders of objects together are one without a name.
Result<std::vector<referee::Suite>> suites_of(const CompareOptions& options) {
  std::vector<referee::Suite> suites;
  referee::Suite loose{.whole = false};
  for (const std::string& what : options.what) {
    if (what == "corpus" || what == "selftests") {
      auto suite = named_suite(what);
      if (!suite) return std::unexpected(suite.error());
      suites.push_back(std::move(*suite));
    } else if (std::error_code ignored; fs::is_directory(what, ignored)) {
      std::ranges::copy(objects_in(what), std::back_inserter(loose.objects));
    } else {
      loose.objects.push_back(what);
    }
  }
  if (!loose.objects.empty()) suites.push_back(std::move(loose));
  return suites;
}

Status shard(const std::string& text, std::vector<referee::Suite>* suites) {
  if (text.empty()) return {};
  unsigned index = 0, count = 0;
  auto [slash, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  bool read = error == std::errc{} && slash != text.data() + text.size() && *slash == '/';
  if (read) {
    auto [end, second] = std::from_chars(slash + 1, text.data() + text.size(), count);
    read = second == std::errc{} && end == text.data() + text.size();
  }
  if (!read || index < 1 || index > count)
    return usage("--shard " + text + ": must be I/N with I from 1 to N");
  for (referee::Suite& suite : *suites) referee::take_shard(&suite, index, count);
  return {};
}

using Comparisons = std::vector<referee::Comparison>;

Result<Comparisons> merged(const CompareOptions& options) {
  Comparisons all;
  for (const std::string& file : options.merge) {
    auto text = read_text_file(file);
    if (!text) return std::unexpected(text.error());
    if (Status s = referee::merge_json(*text, file, &all); !s) return std::unexpected(s.error());
  }
  for (referee::Comparison& c : all) referee::judge(options.settings.ledger, &c);
  return all;
}

Result<Comparisons> compared(const CompareOptions& options) {
  auto suites = suites_of(options);
  if (!suites) return std::unexpected(suites.error());
  if (suites->empty())
    return usage("nothing to compare: name objects, folders, `corpus` or `selftests`");
  if (Status s = shard(options.shard, &*suites); !s) return std::unexpected(s.error());
  Comparisons all;
  for (const referee::Suite& suite : *suites)
    for (const std::string& target : split_list(options.with)) {
      auto comparison = referee::compare_suite(suite, target, options.settings);
      if (!comparison) return std::unexpected(comparison.error());
      all.push_back(std::move(*comparison));
    }
  return all;
}

Status write_reports(const CompareOptions& options, const Comparisons& all) {
  if (!options.output.empty()) {
    std::string text =
        referee::to_json(all).dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    if (Status s = write_file(options.output, as_byte_span(text + "\n")); !s) return s;
  }
  if (!options.html.empty()) return write_file(options.html, as_byte_span(referee::to_html(all)));
  return {};
}

int run_annotations(const CompareOptions& options) {
  auto suites = suites_of(options);
  if (!suites) return complain(suites.error());
  if (Status s = shard(options.shard, &*suites); !s) return complain(s.error());
  int status = kUnsupported;
  for (const referee::Suite& suite : *suites)
    for (const std::string& target : split_list(options.with)) {
      auto c = referee::compare_suite_annotations(suite, target, options.settings);
      if (!c) return complain(c.error());
      fmt::print("{}", referee::to_text(*c, options.groups));
      if (!c->skipped.empty()) continue;
      referee::AnnotationSummary s = referee::summarise(c->pairs);
      status = s.both_meet < s.kernel_meets ? kRejected : status == kUnsupported ? kGood : status;
    }
  return status;
}

int exit_status(const Comparisons& all) {
  bool answered = false;
  for (const referee::Comparison& c : all) {
    if (!c.wrong.empty()) return kRejected;
    answered = answered || c.skipped.empty();
  }
  return answered ? kGood : kUnsupported;
}

int run_compare(CompareOptions& options) {
  std::optional<referee::Ledger> ledger;
  bool by_default = options.ledger.empty();
  if (by_default && fs::exists("corpus/ledger.json")) options.ledger = "corpus/ledger.json";
  if (!options.ledger.empty() && options.ledger != "none") {
    auto read = referee::Ledger::read(options.ledger);
    if (!read) return complain(read.error());
    ledger = std::move(*read);
    options.settings.ledger = &*ledger;
  }
  if (options.annotations) return run_annotations(options);
  auto all = options.merge.empty() ? compared(options) : merged(options);
  if (!all) return complain(all.error());
  if (Status s = write_reports(options, *all); !s) return complain(s.error());
  if (options.format == "json")
    fmt::print("{}\n", referee::to_json(*all).dump(
                           2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  else fmt::print("{}", referee::to_text(*all, options.groups));
  return exit_status(*all);
}

}  // namespace

Action add_compare(CLI::App& app) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* c =
      app.add_subcommand("compare", "The same programs on the emulated kernel and on real ones");
  c->add_option("WHAT", options->what, "BPF objects, folders of them, `corpus` or `selftests`");
  c->add_option("--with", options->with,
                "real kernels: host, vm:NAME, stored:NAME for kept answers")
      ->capture_default_str();
  c->add_option("--kernel,-k", options->settings.kernel,
                "the profile that answers (default: the target's own)");
  c->add_option("--answers", options->settings.answers, "the folder of kept answers")
      ->capture_default_str();
  c->add_option("--ledger", options->ledger,
                "known differences (default: corpus/ledger.json where there is one); none");
  c->add_option("--cache", options->settings.cache, "where fetched kernels are kept");
  c->add_option("--memory", options->settings.megabytes,
                "MB of memory of a virtual machine (default: 3000)")
      ->check(CLI::Range(256, 1 << 20));
  c->add_option("--seconds", options->settings.seconds_each,
                "a real kernel's time for one program (default: 60)")
      ->check(CLI::Range(1, 86'400));
  c->add_option("--jobs,-j", options->settings.jobs, "objects that Drydock verifies at a time")
      ->check(CLI::Range(1, 256));
  c->add_option("--shard", options->shard, "I/N: the I-th of N parts");
  c->add_option("--merge", options->merge,
                "JSON of earlier runs (--output): adds them up instead of asking");
  c->add_flag("--annotations", options->annotations,
              "compare what programs expect of themselves (selftest annotations)");
  c->add_flag("--store", options->settings.store, "keep the kernel's answers");
  c->add_flag("--progress", options->settings.progress, "a progress bar on a terminal");
  c->add_option("--format,-f", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  c->add_option("--output,-o", options->output, "writes the whole comparison there as JSON");
  c->add_option("--html", options->html, "writes a report for people there");
  c->add_option("--groups", options->groups, "how many groups of differences to print")
      ->capture_default_str();
  return [options] { return run_compare(*options); };
}

}  // namespace drydock::cli
