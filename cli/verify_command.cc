// SPDX-License-Identifier: Apache-2.0
// `drydock verify`: would kernel K load each program of these objects?
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/verify_report.h"
#include "emulator/loader/object.h"
#include "isa/assemble.h"
#include "isa/encoding.h"

namespace drydock::cli {
namespace {

struct VerifyOptions {
  std::vector<std::string> files;
  std::string kernels = "6.18", format = "text", program, capabilities = "all", raw;
  std::string program_type = "socket_filter", attach_type, attach_function, license = "GPL";
  uint32_t log_level = 0;
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
      return std::unexpected(Error{ErrorKind::kUsage,
                                   "unknown capability `" + name +
                                       "`: bpf, perfmon, net_admin, sys_admin, all or none"});
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
  VerifyRun(const VerifyOptions& options, std::shared_ptr<const Profile> profile,
            const Capabilities& capabilities)
      : options_(options), profile_(std::move(profile)), capabilities_(capabilities) {
    report_.kernel = profile_->name();
  }

  /// Objects are loaded first, each into a kernel of its own, then all their programs verified: the
  /// threads share nothing but the profile, and no long program keeps others waiting.
  VerifyReport run() {
    std::vector<Loaded> objects(options_.files.size());
    run_parallel(objects.size(), options_.jobs, [&](size_t i) { objects[i] = load(options_.files[i]); });
    std::vector<Pending*> pending;
    for (Loaded& object : objects)
      for (Pending& p : object.pending) pending.push_back(&p);
    const Options options = verify_options();
    run_parallel(pending.size(), options_.jobs, [&](size_t i) {
      Pending& p = *pending[i];
      p.verdict = p.kernel->verify(*p.program, options);
    });
    for (Loaded& object : objects) {
      for (Pending& p : object.pending) object.report.programs[p.index].verdict = std::move(p.verdict);
      report_.objects.push_back(std::move(object.report));
    }
    return std::move(report_);
  }

  Result<VerifyReport> run_raw(const std::string& source) {
    auto program = raw_program(source);
    if (!program) return std::unexpected(program.error());
    auto kernel = new_kernel();
    auto loaded = load_raw(*kernel, *program);
    if (!loaded) return std::unexpected(loaded.error());
    ObjectReport object{.file = source};
    object.programs.push_back({.name = program->name, .section = "", .type = options_.program_type,
                               .attach_type = options_.attach_type,
                               .insns = program->insns.size(),
                               .verdict = kernel->verify(**loaded, verify_options())});
    report_.objects.push_back(std::move(object));
    return std::move(report_);
  }

 private:
  /// A verification that waits, and its place in the report of its object.
  struct Pending {
    const Kernel* kernel;
    std::shared_ptr<ProgramObject> program;
    size_t index;
    Verdict verdict;
  };
  struct Loaded {
    ObjectReport report;
    std::unique_ptr<Kernel> kernel;
    std::unique_ptr<Loader> loader;
    std::vector<Pending> pending;
  };

  Options verify_options() const {
    Options o;
    o.log_level = options_.format == "kernel" && !options_.log_level ? kLogLevel1 : options_.log_level;
    o.capabilities = capabilities_;
    o.limits.wall_clock_ms = options_.time_limit_ms;
    o.check_invariants = options_.check_invariants;
    return o;
  }

  std::unique_ptr<Kernel> new_kernel() const {
    Kernel::Settings settings{.verifier = verify};
    settings.capabilities = capabilities_;
    return std::make_unique<Kernel>(profile_, std::move(settings));
  }

  Loaded load(const std::string& file) const {
    Loaded object;
    object.report.file = file;
    auto bytes = read_input(file);
    if (!bytes) {
      object.report.error = bytes.error().message;
      return object;
    }
    object.kernel = new_kernel();
    object.loader = std::make_unique<Loader>(*object.kernel);
    auto inspected = object.loader->inspect(*bytes, file);
    if (!inspected) {
      object.report.error = inspected.error().message;
      return object;
    }
    for (InspectedProgram& p : inspected->programs)
      if (options_.program.empty() || p.name == options_.program) add_program(object, p);
    if (object.report.programs.empty() && !options_.program.empty())
      object.report.error = "there is no program `" + options_.program + "`";
    return object;
  }

  static void add_program(Loaded& object, InspectedProgram& p) {
    ProgramReport report{.name = p.name, .section = p.section, .type = std::string(name_of(p.type)),
                         .attach_type = std::string(name_of(p.attach_type))};
    if (p.program) {
      report.insns = p.program->input.insns.size();
      object.pending.push_back({object.kernel.get(), p.program, object.report.programs.size(), {}});
    } else {
      report.verdict.kind = p.error.kind == ErrorKind::kUnsupported ? VerdictKind::kUnsupported
                                                                     : VerdictKind::kMalformed;
      report.verdict.err = p.error.err;
      report.verdict.message = p.error.message;
    }
    object.report.programs.push_back(std::move(report));
  }

  Result<RawProgram> raw_program(const std::string& source) {
    auto bytes = read_input(source);
    if (!bytes) return std::unexpected(bytes.error());
    std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    RawProgram program;
    program.license = options_.license;
    program.attach_function = options_.attach_function;
    if (options_.sleepable) program.flags |= kProgSleepable;
    auto type = program_type_named(options_.program_type);
    if (!type) return usage("unknown program type `" + options_.program_type + "`");
    program.type = *type;
    if (!options_.attach_type.empty()) {
      auto attach = attach_type_named(options_.attach_type);
      if (!attach) return usage("unknown attach type `" + options_.attach_type + "`");
      program.attach_type = *attach;
    }
    auto insns = options_.raw == "asm"   ? isa::assemble(text)
                 : options_.raw == "hex" ? isa::parse_hex(text)
                                         : isa::from_bytes(*bytes);
    if (!insns) {
      Error error = insns.error();
      error.message = source + ": " + error.message;
      return std::unexpected(error);
    }
    program.insns = std::move(*insns);
    return program;
  }
  static std::unexpected<Error> usage(std::string message) {
    return std::unexpected(Error{ErrorKind::kUsage, std::move(message)});
  }

  const VerifyOptions& options_;
  std::shared_ptr<const Profile> profile_;
  Capabilities capabilities_;
  VerifyReport report_;
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
    auto profile = load_kernel(name);
    if (!profile) return complain({ErrorKind::kUsage, profile.error().message, 0});
    VerifyRun run(options, *profile, *capabilities);
    if (options.raw.empty()) {
      reports.push_back(run.run());
      continue;
    }
    auto report = run.run_raw(options.files.front());
    if (!report) return complain(report.error());
    reports.push_back(std::move(*report));
  }
  if (reports.empty()) return complain({ErrorKind::kUsage, "--kernel names no kernel", 0});
  print(options, reports);
  int status = kGood;
  for (const VerifyReport& r : reports) status = worse(status, exit_status_of(r));
  return status;
}

}  // namespace

Action add_verify(CLI::App& app) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* c = app.add_subcommand("verify", "Would this kernel load each program of these objects?");
  c->add_option("FILE", options->files, "BPF objects (with --raw: one source, - for standard input)")
      ->required();
  c->add_option("--kernel,-k", options->kernels, "kernel profile, or several: 6.18,host")->capture_default_str();
  c->add_option("--program,-p", options->program, "only the program of that name");
  c->add_option("--format,-f", options->format, "text, json, kernel, github or sarif")
      ->check(CLI::IsMember({"text", "json", "kernel", "github", "sarif"}))
      ->capture_default_str();
  c->add_option("--log-level", options->log_level, "print the kernel's log: bits 1, 2 and 4");
  c->add_option("--capabilities", options->capabilities, "of the loader: all, none, or bpf,perfmon,net_admin,sys_admin");
  c->add_option("--jobs,-j", options->jobs, "programs verified at a time")->check(CLI::Range(1, 256));
  c->add_option("--time-limit", options->time_limit_ms, "milliseconds for each program; 0: none");
  c->add_flag("--quiet,-q", options->quiet, "say nothing of accepted programs");
  c->add_flag("--check-invariants", options->check_invariants, "assert the analysis' invariants after every step");
  c->add_option("--raw", options->raw, "the file holds instructions: hex, binary or asm")
      ->check(CLI::IsMember({"hex", "binary", "asm"}));
  c->add_option("--program-type", options->program_type, "of raw instructions")->capture_default_str();
  c->add_option("--attach-type", options->attach_type, "of raw instructions");
  c->add_option("--attach-function", options->attach_function, "of raw instructions: what they attach to, by its BTF name");
  c->add_option("--license", options->license, "of raw instructions")->capture_default_str();
  c->add_flag("--sleepable", options->sleepable, "raw instructions are of a sleepable program");
  return [options] { return run_verify(*options); };
}

}  // namespace drydock::cli
