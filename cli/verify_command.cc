// SPDX-License-Identifier: Apache-2.0
// `drydock verify`: would kernel K load each program of these objects?
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/verify_report.h"
#include "drydock/kernel.h"

namespace drydock::cli {
namespace {

using api::Capabilities;

struct VerifyOptions {
  std::vector<std::string> files;
  std::string kernels = std::string(api::kDefaultKernel), format = "text", program,
              capabilities = "all", raw;
  std::string program_type = "socket_filter", attach_type, attach_function, license = "GPL";
  uint32_t log_level = 0, cpus = 0;
  unsigned jobs = 1;
  bool quiet = false, sleepable = false, check_invariants = false;
  uint64_t time_limit_ms = 0;
};

Result<Capabilities> parse_capabilities(const std::string& text) {
  if (text == "all") return Capabilities{};
  Capabilities caps{.bpf = false, .perfmon = false, .net_admin = false, .sys_admin = false};
  if (text == "none") return caps;
  for (const std::string& name : split_list(text)) {
    if (name == "bpf") caps.bpf = true;
    else if (name == "perfmon") caps.perfmon = true;
    else if (name == "net_admin") caps.net_admin = true;
    else if (name == "sys_admin") caps.sys_admin = caps.bpf = caps.perfmon = true;
    else
      return std::unexpected(Error{
          ErrorKind::kUsage,
          "unknown capability `" + name + "`: bpf, perfmon, net_admin, sys_admin, all or none"});
  }
  return caps;
}

/// Calls work(i) for every i below `count`, on `threads` threads.
template <class Work>
void run_parallel(size_t count, unsigned threads, Work work) {
  std::atomic<size_t> next = 0;
  auto take_turns = [&] {
    for (size_t i; (i = next++) < count;) work(i);
  };
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < threads && i < count; ++i) pool.emplace_back(take_turns);
  take_turns();
  for (std::thread& thread : pool) thread.join();
}

class VerifyRun {
 public:
  VerifyRun(const VerifyOptions& options, api::Profile profile, const Capabilities& capabilities)
      : options_(options), profile_(std::move(profile)), capabilities_(capabilities) {
    report_.kernel = profile_.name();
  }

  /// Objects are opened first, each by a kernel of its own, then all their programs verified: the
  /// threads share nothing but the profile, and no long program keeps others waiting.
  VerifyReport run() {
    objects_.resize(options_.files.size());
    run_parallel(objects_.size(), options_.jobs,
                 [&](size_t i) { objects_[i] = open(options_.files[i]); });
    return verified();
  }

  Result<VerifyReport> run_raw(const std::string& source) {
    auto bytes = api::read_input(source);
    if (!bytes) return std::unexpected(bytes.error());
    using Format = api::RawProgram::Format;
    auto object = new_kernel().open_raw({.format = options_.raw == "asm"   ? Format::kAssembly
                                                   : options_.raw == "hex" ? Format::kHex
                                                                           : Format::kBinary,
                                         .source = *bytes,
                                         .type = options_.program_type,
                                         .attach_type = options_.attach_type,
                                         .attach_function = options_.attach_function,
                                         .license = options_.license,
                                         .sleepable = options_.sleepable});
    if (!object) {
      Error error = object.error();
      if (error.kind == ErrorKind::kMalformed) error.message = source + ": " + error.message;
      return std::unexpected(error);
    }
    objects_.push_back({.report = {.file = source}});
    add_programs(*object, objects_.back());
    // What was asked for, in the words that it was asked in.
    objects_.back().report.programs.front().attach_type = options_.attach_type;
    return verified();
  }

 private:
  /// An object, and its programs in the order of its report.
  struct Opened {
    ObjectReport report;
    std::vector<api::Program> programs;
  };

  api::Kernel new_kernel() const { return api::Kernel(profile_, {.capabilities = capabilities_}); }

  api::VerifyOptions verify_options() const {
    bool log = options_.format == "kernel" && !options_.log_level;
    return {.log_level = log ? api::kLogBranches : options_.log_level,
            .time_limit_ms = options_.time_limit_ms,
            .check_invariants = options_.check_invariants,
            .possible_cpus = options_.cpus};
  }

  Opened open(const std::string& file) const {
    Opened opened{.report = {.file = file}};
    std::optional<std::string>& error = opened.report.error;
    auto bytes = api::read_input(file);
    if (!bytes) {
      error = bytes.error().message;
      return opened;
    }
    auto object = new_kernel().open(*bytes, file);
    if (!object) {
      error = object.error().message;
      return opened;
    }
    add_programs(*object, opened);
    if (opened.programs.empty() && !options_.program.empty())
      error = object->program(options_.program).error().message;
    return opened;
  }

  void add_programs(const api::Object& object, Opened& to) const {
    for (const api::Program& p : object.programs()) {
      if (!options_.program.empty() && p.name() != options_.program) continue;
      to.programs.push_back(p);
      to.report.programs.push_back({.name = p.name(),
                                    .section = p.section(),
                                    .type = p.type(),
                                    .attach_type = p.attach_type(),
                                    .insns = p.insn_count()});
    }
  }

  VerifyReport verified() {
    struct Job {
      const api::Program* program;
      api::Verdict* verdict;
    };
    std::vector<Job> jobs;
    for (Opened& o : objects_)
      for (size_t i = 0; i < o.programs.size(); ++i)
        jobs.push_back({&o.programs[i], &o.report.programs[i].verdict});
    run_parallel(jobs.size(), options_.jobs,
                 [&](size_t i) { *jobs[i].verdict = jobs[i].program->verify(verify_options()); });
    for (Opened& o : objects_) report_.objects.push_back(std::move(o.report));
    return std::move(report_);
  }

  const VerifyOptions& options_;
  api::Profile profile_;
  Capabilities capabilities_;
  VerifyReport report_;
  std::vector<Opened> objects_;
};

void print(const VerifyOptions& options, const std::vector<VerifyReport>& reports) {
  const VerifyReport& first = reports.front();
  if (options.format == "json") {
    nlohmann::ordered_json doc = to_json(first);
    if (reports.size() > 1) {
      doc = {{"schema", 1}, {"kernels", nlohmann::ordered_json::array()}};
      for (const VerifyReport& r : reports) doc["kernels"].push_back(to_json(r));
    }
    fmt::print("{}\n", doc.dump(2));
  } else if (reports.size() > 1) {
    fmt::print("{}", to_matrix(reports));
  } else if (options.format == "kernel") {
    fmt::print("{}", to_kernel_log(first));
  } else if (options.format == "github") {
    fmt::print("{}", to_github(first));
  } else if (options.format == "sarif") {
    fmt::print("{}\n", to_sarif(first).dump(2));
  } else {
    if (options.log_level) fmt::print("{}", to_kernel_log(first));
    fmt::print("{}", to_text(first, colours(), options.quiet));
  }
}

int run_verify(const VerifyOptions& options) {
  auto capabilities = parse_capabilities(options.capabilities);
  if (!capabilities) return complain(capabilities.error());
  std::vector<VerifyReport> reports;
  for (const std::string& name : split_list(options.kernels)) {
    auto profile = load_profile(name);
    if (!profile) return complain(profile.error());
    VerifyRun run(options, *profile, *capabilities);
    if (options.raw.empty()) {
      reports.push_back(run.run());
      continue;
    }
    auto report = run.run_raw(options.files.front());
    if (!report) return complain(report.error());
    reports.push_back(std::move(*report));
  }
  if (reports.empty()) return complain({ErrorKind::kUsage, "--kernel names no kernel"});
  print(options, reports);
  int status = kGood;
  for (const VerifyReport& r : reports) status = worse(status, exit_status_of(r));
  return status;
}

}  // namespace

Action add_verify(CLI::App& app) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* c =
      app.add_subcommand("verify", "Would this kernel load each program of these objects?");
  c->add_option("FILE", options->files,
                "BPF objects (with --raw: one source, - for standard input)")
      ->required();
  c->add_option("--kernel,-k", options->kernels, "kernel profile, or several: 6.18,host")
      ->capture_default_str();
  c->add_option("--program,-p", options->program, "only the program of that name");
  c->add_option("--format,-f", options->format, "text, json, kernel, github or sarif")
      ->check(CLI::IsMember({"text", "json", "kernel", "github", "sarif"}))
      ->capture_default_str();
  c->add_option("--log-level", options->log_level, "print the kernel's log: bits 1, 2 and 4");
  c->add_option("--capabilities", options->capabilities,
                "of the loader: all, none, or bpf,perfmon,net_admin,sys_admin");
  c->add_option("--jobs,-j", options->jobs, "programs verified at a time")
      ->check(CLI::Range(1, 256));
  c->add_option("--cpus", options->cpus,
                "possible CPUs of the machine (default: this one's for host, else as many as the "
                "kernel was built for)")
      ->check(CLI::Range(1, 8192));
  c->add_option("--time-limit", options->time_limit_ms, "milliseconds for each program; 0: none");
  c->add_flag("--quiet,-q", options->quiet, "say nothing of accepted programs");
  c->add_flag("--check-invariants", options->check_invariants,
              "assert the analysis' invariants after every step");
  c->add_option("--raw", options->raw, "the file holds instructions: hex, binary or asm")
      ->check(CLI::IsMember({"hex", "binary", "asm"}));
  c->add_option("--program-type", options->program_type, "of raw instructions")
      ->capture_default_str();
  c->add_option("--attach-type", options->attach_type, "of raw instructions");
  c->add_option("--attach-function", options->attach_function,
                "of raw instructions: what they attach to, by its BTF name");
  c->add_option("--license", options->license, "of raw instructions")->capture_default_str();
  c->add_flag("--sleepable", options->sleepable, "raw instructions are of a sleepable program");
  return [options] { return run_verify(*options); };
}

}  // namespace drydock::cli
