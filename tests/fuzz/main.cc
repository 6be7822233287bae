// SPDX-License-Identifier: Apache-2.0
// drydock_fuzz: a stream of mutated and generated programs through the verifier.
//
//   drydock_fuzz [--kernel NAME] [--seed N] [--programs N] [--host [--without-perfmon]]
//                [--out FOLDER] OBJECT|FOLDER...
//
// Alone, each program is verified with the invariants asserted, without a log and with one. With
// --run what is accepted is run on the emulated kernel, and must not fault. With --host (root) each
// is also handed to the running kernel, which only loads it, and the two answers have to agree. Run
// under the sanitizers (make fuzz), any report of theirs ends the worker.
//
// The programs are worked on by a child process, so that one that crashes or hangs is a finding and
// not the end: the parent goes on behind it. Every finding prints the seed and the line that
// repeats it; with --out the first of its kind is reduced and written there.
#include <fmt/core.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "tests/fuzz/judge.h"
#include "tests/fuzz/pool.h"
#include "tests/fuzz/reduce.h"
#include "tests/fuzz/run.h"

namespace drydock::fuzz {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string kernel = "6.18", out;
  std::vector<std::string> objects;
  uint64_t seed = 1, programs = 10'000, most_insns = 4000, limit_ms = 60'000;
  bool host = false, print = false, run = false, without_perfmon = false;

  Capabilities capabilities() const {
    return {.perfmon = !without_perfmon, .sys_admin = !without_perfmon};
  }
};

/// Shared by the parent and the worker.
struct Progress {
  std::atomic<uint64_t> seed, done, accepted, answered, findings, false_accepts;
};

constexpr uint64_t kProgramsOfAWorker = 20'000;
/// More than the verifications of one program may take: with a log and without, and reduced.
std::chrono::milliseconds hang(uint64_t limit_ms) {
  return std::chrono::milliseconds(3 * limit_ms) + std::chrono::minutes(1);
}

class Worker {
 public:
  Worker(const Arguments& arguments, const ProgramPool& pool, Progress& progress)
      : arguments_(arguments), pool_(pool), progress_(progress) {}

  void run(uint64_t first, uint64_t last) {
    for (uint64_t seed = first; seed < last; ++seed) {
      progress_.seed = seed;
      one(seed);
      ++progress_.done;
    }
  }

 private:
  void one(uint64_t seed) {
    const ProgramPool::Case made = pool_.program(seed);
    if (arguments_.print)
      fmt::print("{}", as_text(*made.program, made.origin)), std::fflush(stdout);
    bool accepted = false;
    std::optional<Finding> found;
    if (arguments_.host) {
      Finding finding;
      Agreement agreement = compare_with_host(*made.program, pool_.profile(), host_, &finding,
                                              &accepted, arguments_.capabilities());
      if (agreement != Agreement::kNotAnswered) ++progress_.answered;
      if (agreement == Agreement::kDifferent) found = finding;
    } else {
      found = judge_alone(*made.program, pool_.profile(), arguments_.limit_ms, &accepted);
      if (!found || found->kind != "out-of-time") ++progress_.answered;
      if (!found && accepted && arguments_.run) found = run_accepted(pool_, made);
    }
    if (accepted) ++progress_.accepted;
    if (found) report(seed, made, *found);
  }

  void report(uint64_t seed, const ProgramPool::Case& made, const Finding& finding) {
    ++progress_.findings;
    if (finding.kind == "false-accept") ++progress_.false_accepts;
    fmt::print("FINDING {} seed {} ({}): {}\n", finding.kind, seed, made.origin, finding.detail);
    std::fflush(stdout);
    if (arguments_.out.empty()) return;
    const fs::path file =
        fs::path(arguments_.out) /
        fmt::format("{}-{:08x}.txt", finding.kind,
                    static_cast<uint32_t>(std::hash<std::string>()(finding.signature)));
    if (fs::exists(file)) return;
    auto reduced = reduce(*made.program, [&](const ProgramObject& candidate) {
      return shows(candidate, made, finding);
    });
    std::ofstream(file) << as_text(*reduced, fmt::format("{}: seed {}, {}: {}", finding.kind, seed,
                                                         made.origin, finding.detail));
  }

  bool shows(const ProgramObject& candidate, const ProgramPool::Case& made,
             const Finding& finding) {
    if (!arguments_.host) {
      bool accepted = false;
      auto found = judge_alone(candidate, pool_.profile(), arguments_.limit_ms, &accepted);
      if (!found && accepted && arguments_.run)
        found = run_accepted(pool_, {copy_of(candidate), made.origin, made.kernel});
      return found && found->signature == finding.signature;
    }
    Finding found;
    bool accepted;
    return compare_with_host(candidate, pool_.profile(), host_, &found, &accepted,
                             arguments_.capabilities()) == Agreement::kDifferent &&
           found.signature == finding.signature;
  }

  const Arguments& arguments_;
  const ProgramPool& pool_;
  Progress& progress_;
  test::HostLoads host_;
};

/// For this process. CAP_SYS_ADMIN would stand in for it.
bool give_up_perfmon() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  for (unsigned capability : {CAP_PERFMON, CAP_SYS_ADMIN})
    data[capability / 32].effective &= ~(1u << capability % 32);
  return syscall(SYS_capset, &header, data) == 0;
}

/// How a worker ended: 0 well, else a signal or status; -1 for one that was stopped because it
/// hung.
int run_worker(const Arguments& arguments, const ProgramPool& pool, Progress& progress,
               uint64_t first, uint64_t last) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    if (arguments.without_perfmon && !give_up_perfmon()) {
      fmt::print(stderr, "drydock_fuzz: cannot give up CAP_PERFMON: {}\n", std::strerror(errno));
      _exit(2);
    }
    Worker(arguments, pool, progress).run(first, last);
    std::fflush(stdout);
    _exit(0);
  }
  auto since = std::chrono::steady_clock::now();
  for (uint64_t seen = progress.seed;; usleep(20'000)) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) return status;
    if (progress.seed != seen) seen = progress.seed, since = std::chrono::steady_clock::now();
    if (std::chrono::steady_clock::now() - since < hang(arguments.limit_ms)) continue;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return -1;
  }
}

std::vector<std::string> objects_of(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (fs::is_directory(name)) std::ranges::copy(objects_in(name), std::back_inserter(files));
    else files.push_back(name);
  }
  return files;
}

std::string reproducer(const Arguments& arguments, const char* program, uint64_t seed) {
  std::string line =
      fmt::format("{} --kernel {} --most-insns {}{}{} --seed {} --programs 1 --print", program,
                  arguments.kernel, arguments.most_insns, arguments.host ? " --host" : "",
                  arguments.without_perfmon ? " --without-perfmon"
                  : arguments.run           ? " --run"
                                            : "",
                  seed);
  for (const std::string& name : arguments.objects) line += " " + name;
  return line;
}

int run(const Arguments& arguments, const char* program) {
  if (arguments.host)
    if (std::string why = test::host_unavailable(); !why.empty()) {
      fmt::print("skipped: {}\n", why);
      return 0;
    }
  auto profile = Profile::load(arguments.kernel);
  if (!profile) {
    fmt::print(stderr, "drydock_fuzz: {}\n", profile.error().message);
    return 2;
  }
  // Every object that the emulated kernels hold is a descriptor.
  rlimit limit{};
  if (!getrlimit(RLIMIT_NOFILE, &limit))
    limit.rlim_cur = limit.rlim_max, setrlimit(RLIMIT_NOFILE, &limit);
  ProgramPool pool(*profile, arguments.capabilities());
  for (const std::string& file : objects_of(arguments.objects))
    (void)pool.add_object(file, arguments.most_insns);
  fmt::print("{} programs of {} to start from; seeds {} to {}, kernel {}{}\n", pool.size(),
             (*profile)->release(), arguments.seed, arguments.seed + arguments.programs - 1,
             arguments.kernel, arguments.host ? ", beside the running kernel" : "");
  auto* progress = new (mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Progress{};
  const uint64_t end = arguments.seed + arguments.programs;
  uint64_t crashes = 0;
  for (uint64_t first = arguments.seed; first < end;) {
    const uint64_t last = std::min(end, first + kProgramsOfAWorker);
    progress->seed = first;
    const int status = run_worker(arguments, pool, *progress, first, last);
    first = last;
    if (status == 0) {
      fmt::print("{} of {} programs\n", progress->done.load(), arguments.programs);
      std::fflush(stdout);
      continue;
    }
    ++crashes;
    const uint64_t seed = progress->seed;
    fmt::print("FINDING {} seed {}\n", status == -1 ? "hang" : "crash", seed);
    first = seed + 1;
  }
  fmt::print(
      "{} programs verified, {} answered, {} accepted, {} findings ({} false accepts), {} crashes "
      "or hangs\n",
      progress->done.load(), progress->answered.load(), progress->accepted.load(),
      progress->findings.load(), progress->false_accepts.load(), crashes);
  if (progress->findings || crashes)
    fmt::print("repeat one: {}\n", reproducer(arguments, program, progress->seed));
  return progress->findings || crashes ? 1 : 0;
}

}  // namespace
}  // namespace drydock::fuzz

int main(int argc, char** argv) {
  drydock::fuzz::Arguments arguments;
  CLI::App app("Mutated and generated programs through the verifier");
  app.add_option("OBJECT", arguments.objects,
                 "objects, or folders of them, whose programs are changed");
  app.add_option("--kernel", arguments.kernel, "profile")->capture_default_str();
  app.add_option("--seed", arguments.seed, "of the first program")->capture_default_str();
  app.add_option("--programs", arguments.programs, "how many")->capture_default_str();
  app.add_option("--most-insns", arguments.most_insns, "of a program to start from, processed")
      ->capture_default_str();
  app.add_option("--limit", arguments.limit_ms, "milliseconds for one program")
      ->capture_default_str();
  app.add_option("--out", arguments.out, "where reduced findings are written");
  app.add_flag("--host", arguments.host, "ask the running kernel too");
  app.add_flag("--without-perfmon", arguments.without_perfmon,
               "with --host: as a loader without CAP_PERFMON and CAP_SYS_ADMIN");
  app.add_flag("--run", arguments.run,
               "run what is accepted on the emulated kernel: nothing may fault (not with --host)")
      ->excludes("--host");
  app.add_flag("--print", arguments.print, "print each program");
  CLI11_PARSE(app, argc, argv);
  if (arguments.host) arguments.kernel = "host";
  return drydock::fuzz::run(arguments, argv[0]);
}
