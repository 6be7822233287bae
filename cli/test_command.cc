// SPDX-License-Identifier: Apache-2.0
// `drydock test`: runs cases and reports as GoogleTest does.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <fnmatch.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/room_profile.h"
#include "emulator/cases/annotated_run.h"
#include "emulator/cases/case_run.h"
#include "referee/target.h"

namespace drydock::cli {
namespace {

namespace fs = std::filesystem;
using Kind = CaseOutcome::Kind;

struct TestOptions {
  std::vector<std::string> paths, objects;
  std::string kernel = std::string(api::kDefaultKernel), with, cache, filter = "*", junit,
              format = "text";
  unsigned jobs = 1;
};

struct CaseResult {
  std::string path, name;
  CaseOutcome outcome;
  std::string skipped;                    // why it was not run
  std::vector<std::string> not_compared;  // what a real kernel does not let be performed or seen
  double ms = 0;
};

/// Cases are *.json files, and objects with annotated programs where they are named; folders are
/// searched for the former, in the order of their names.
Result<std::vector<std::string>> find_cases(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code err;
    if (!fs::is_directory(path, err)) {
      if (!fs::exists(path, err)) return not_found(path + ": no such file or folder");
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path, err))
      if (entry.is_regular_file() && entry.path().extension() == ".json")
        found.push_back(entry.path().string());
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

CaseResult run_one(const std::string& path, const std::shared_ptr<const Profile>& profile,
                   const CaseOptions& options) {
  CaseResult r{.path = path, .name = path};
  auto start = std::chrono::steady_clock::now();
  auto file = CaseFile::read(path);
  if (!file) {
    r.outcome = {Kind::kMalformed, file.error().message, "", 0};
  } else if (!file->kernels().empty() &&
             std::ranges::find(file->kernels(), profile->name()) == file->kernels().end()) {
    r.skipped = "not meant for kernel " + profile->name();
  } else {
    r.outcome = file->run(profile, options);
  }
  r.ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return r;
}

/// The annotated programs of an object, each way of loading one a case.
std::vector<CaseResult> run_annotated_object(const std::string& path,
                                             const std::shared_ptr<const Profile>& profile) {
  auto malformed_file = [&](const Error& error) {
    return std::vector{CaseResult{
        .path = path, .name = path, .outcome = {Kind::kMalformed, error.message, "", 0}}};
  };
  auto elf = read_file(path);
  if (!elf) return malformed_file(elf.error());
  auto cases = annotated_cases(*elf, path);
  if (!cases) return malformed_file(cases.error());
  std::vector<CaseResult> results;
  for (const AnnotatedCase& c : *cases) {
    CaseResult r{.path = path, .name = path + ":" + c.name(), .skipped = c.not_here};
    auto start = std::chrono::steady_clock::now();
    if (r.skipped.empty()) r.outcome = run_annotated(c, *elf, path, profile);
    r.ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    results.push_back(std::move(r));
  }
  if (results.empty())
    results.push_back({.path = path, .name = path, .skipped = "no program is annotated"});
  return results;
}

std::vector<CaseResult> run_file(const std::string& path,
                                 const std::shared_ptr<const Profile>& profile,
                                 const CaseOptions& options) {
  if (path.ends_with(".o")) return run_annotated_object(path, profile);
  return {run_one(path, profile, options)};
}

std::string_view word(Kind kind) {
  switch (kind) {
    case Kind::kPassed: return "passed";
    case Kind::kFailed: return "failed";
    case Kind::kMalformed: return "malformed";
    case Kind::kUnsupported: return "unsupported";
  }
  return "";
}
int status_of(Kind kind) {
  return kind == Kind::kPassed ? kGood : kind == Kind::kUnsupported ? kUnsupported : kRejected;
}

std::string xml(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (c == '"') out += "&quot;";
    else if (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t')
      out += '?';  // XML has none of them
    else out += c;
  }
  return out;
}

std::string junit_of(const std::vector<CaseResult>& results, size_t failures, size_t skipped) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\"?>\n<testsuite name=\"drydock\" tests=\"{}\" failures=\"{}\" "
      "skipped=\"{}\">\n",
      results.size(), failures, skipped);
  for (const CaseResult& r : results) {
    out += fmt::format("  <testcase name=\"{}\" time=\"{:.3f}\"", xml(r.name), r.ms / 1000);
    if (!r.skipped.empty())
      out += fmt::format("><skipped message=\"{}\"/></testcase>\n", xml(r.skipped));
    else if (r.outcome.kind == Kind::kPassed) out += "/>\n";
    else
      out += fmt::format("><failure type=\"{}\" message=\"{}\"/></testcase>\n",
                         word(r.outcome.kind), xml(r.outcome.message));
  }
  return out + "</testsuite>\n";
}

void print_json(const TestOptions& options, const std::vector<CaseResult>& results) {
  nlohmann::ordered_json doc = {
      {"schema", 1}, {"kernel", options.kernel}, {"cases", nlohmann::ordered_json::array()}};
  for (const CaseResult& r : results)
    doc["cases"].push_back({{"file", r.path},
                            {"outcome", !r.skipped.empty() ? "skipped" : word(r.outcome.kind)},
                            {"message", r.outcome.message},
                            {"step", r.outcome.step},
                            {"ms", r.ms}});
  fmt::print("{}\n", doc.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_text(const TestOptions& options, const std::vector<CaseResult>& results, size_t failures,
                size_t skipped) {
  for (const CaseResult& r : results) {
    if (!r.skipped.empty()) {
      fmt::print("[ SKIPPED  ] {} ({})\n", r.name, r.skipped);
    } else if (r.outcome.kind == Kind::kPassed) {
      fmt::print("[       OK ] {} ({:.0f} ms)\n", r.name, r.ms);
      for (const std::string& what : r.not_compared)
        fmt::print("             not compared: {}\n", what);
    } else {
      fmt::print("{}\n[  FAILED  ] {} ({}, {:.0f} ms)\n", r.outcome.message, r.name,
                 word(r.outcome.kind), r.ms);
      std::string where =
          options.with.empty() ? "--kernel " + options.kernel : "--with " + options.with;
      fmt::print("  again: drydock test {} {}\n", r.path, where);
    }
  }
  fmt::print("[==========] {} cases: {} passed, {} failed, {} skipped\n", results.size(),
             results.size() - failures - skipped, failures, skipped);
}

std::vector<CaseResult> run_emulated(const std::vector<std::string>& files,
                                     const std::shared_ptr<const Profile>& profile,
                                     const TestOptions& options) {
  CaseOptions case_options{options.objects};
  std::vector<std::vector<CaseResult>> found(files.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < files.size();)
      found[i] = run_file(files[i], profile, case_options);
  };
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < options.jobs; ++i) pool.emplace_back(work);
  work();
  for (std::thread& thread : pool) thread.join();
  std::vector<CaseResult> results;
  for (std::vector<CaseResult>& of_file : found)
    std::ranges::move(of_file, std::back_inserter(results));
  return results;
}

/// What a real kernel did, compared with what the case expects.
CaseResult judged(const referee::CaseObservation& seen) {
  CaseResult r{.path = seen.name, .name = seen.name};
  r.skipped = seen.skipped;
  auto file = CaseFile::read(seen.name);
  auto steps = nlohmann::ordered_json::parse(seen.steps, nullptr, false);
  if (!file) r.outcome = {Kind::kMalformed, file.error().message, "", 0};
  else if (r.skipped.empty()) r.outcome = file->check(steps, &r.not_compared);
  if (r.outcome.kind == Kind::kUnsupported) r.skipped = r.outcome.message;
  return r;
}

Result<std::vector<CaseResult>> run_for_real(const std::vector<std::string>& files,
                                             const TestOptions& options) {
  auto target = referee::open_target(options.with, {.cache = options.cache});
  if (!target) return std::unexpected(target.error());
  std::vector<CaseResult> results;
  auto done = (*target)->run_cases(files, options.objects, [&](referee::CaseObservation seen) {
    results.push_back(judged(seen));
  });
  if (!done) return std::unexpected(done.error());
  return results;
}

int run_test(const TestOptions& options) {
  auto files = find_cases(options.paths);
  if (!files) return complain({ErrorKind::kUsage, files.error().message, 0});
  std::erase_if(*files, [&](const std::string& f) {
    return fnmatch(options.filter.c_str(), f.c_str(), 0) != 0;
  });
  if (files->empty()) return complain({ErrorKind::kUsage, "no case to run", 0});
  if (auto object =
          std::ranges::find_if(*files, [](const std::string& f) { return f.ends_with(".o"); });
      object != files->end() && !options.with.empty())
    return complain({ErrorKind::kUsage,
                     *object + ": annotated objects are compared with a real kernel by `drydock "
                               "compare --annotations`",
                     0});
  std::vector<CaseResult> results;
  if (options.with.empty()) {
    auto profile = load_kernel(options.kernel);
    if (!profile) return complain({ErrorKind::kUsage, profile.error().message, 0});
    results = run_emulated(*files, *profile, options);
  } else {
    auto real = run_for_real(*files, options);
    if (!real && real.error().kind == ErrorKind::kUnsupported) {
      fmt::print("skipped: {}\n", real.error().message);
      return kUnsupported;
    }
    if (!real) return complain(real.error());
    results = std::move(*real);
  }

  size_t failures = 0, skipped = 0;
  int status = kGood;
  for (const CaseResult& r : results) {
    skipped += !r.skipped.empty();
    if (!r.skipped.empty()) continue;
    failures += r.outcome.kind != Kind::kPassed;
    status = worse(status, status_of(r.outcome.kind));
  }
  if (!options.junit.empty()) {
    auto written = write_file(options.junit, as_byte_span(junit_of(results, failures, skipped)));
    if (!written) return complain(written.error());
  }
  if (options.format == "json") print_json(options, results);
  else print_text(options, results, failures, skipped);
  return status;
}

}  // namespace

Action add_test(CLI::App& app) {
  auto options = std::make_shared<TestOptions>();
  CLI::App* c = app.add_subcommand("test", "Runs cases on the emulated kernel, or on a real one");
  c->add_option("CASE", options->paths,
                "case files, folders of them, or objects whose programs are annotated")
      ->required();
  c->add_option("--objects", options->objects, "folder where cases find their objects");
  c->add_option("--kernel,-k", options->kernel, "kernel profile")->capture_default_str();
  c->add_option("--with", options->with, "on a real kernel instead: host, vm:NAME");
  c->add_option("--cache", options->cache, "where fetched kernels are kept");
  c->add_option("--filter", options->filter, "only cases whose path matches (shell pattern)")
      ->capture_default_str();
  c->add_option("--junit", options->junit, "writes a JUnit report there");
  c->add_option("--format,-f", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  c->add_option("--jobs,-j", options->jobs, "cases run at a time")->check(CLI::Range(1, 256));
  return [options] { return run_test(*options); };
}

}  // namespace drydock::cli
