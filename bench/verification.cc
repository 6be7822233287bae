// SPDX-License-Identifier: Apache-2.0
// Verification time, program by program, beside that of the running kernel in the same run:
//
//   drydock_verification [--rounds N] [--tsv FILE] [--svg FILE] OBJECT|FOLDER...
//
// Each program is handed to bpf(2), which tells its "verification time" (log level 4), and to
// verify() on the kernel's own profile, turn by turn; of each the best of the rounds counts. Both
// run on one thread. Programs that only one of the two can be asked about are left out, and so are
// those that the two disagree on (which is for `drydock compare` to tell).
#include <fmt/core.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "bench/scatter_plot.h"
#include "emulator/loader/object.h"
#include "emulator/syscall/standard_kernel.h"
#include "tests/support/host_loads.h"

namespace drydock::bench {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> objects;
  std::string tsv, svg;
  int rounds = 3, worst = 12;
};

struct Row {
  std::string object, program;
  uint64_t insns = 0;
  double kernel_us = 0, ours_us = 0;
  double ratio() const { return ours_us / std::max(kernel_us, 1.0); }
};

class Measurement {
 public:
  Measurement(const Arguments& arguments, std::shared_ptr<const Profile> profile)
      : arguments_(arguments), profile_(std::move(profile)) {}

  void object(const std::string& path) {
    auto bytes = read_file(path);
    if (!bytes) return;
    auto kernel = make_kernel(profile_);
    Loader loader(*kernel);
    auto inspected = loader.inspect(*bytes, path);
    if (!inspected) return;
    test::HostLoads host;  // an object's maps live as long as it is measured
    for (const InspectedProgram& p : inspected->programs) {
      ++seen_;
      if (!p.program) continue;
      if (auto row = measure(host, *p.program)) {
        row->object = fs::path(path).filename().string();
        row->program = p.name;
        rows_.push_back(std::move(*row));
      }
    }
  }
  std::vector<Row>& rows() { return rows_; }
  size_t seen() const { return seen_; }

 private:
  std::optional<Row> measure(test::HostLoads& host, const ProgramObject& program) {
    Row row;
    row.kernel_us = row.ours_us = HUGE_VAL;
    for (int round = 0; round < arguments_.rounds; ++round) {
      auto kernel = host.load(program);
      if (!kernel || !kernel->verifier_spoke) return {};
      const Verdict ours = verify(program.input, *profile_, *program.fds);
      if ((ours.kind == VerdictKind::kAccepted) != kernel->accepted) return {};
      row.kernel_us = std::min(row.kernel_us, static_cast<double>(kernel->duration_us));
      row.ours_us = std::min(row.ours_us, static_cast<double>(ours.statistics.duration_ns) / 1000);
      row.insns = ours.statistics.insns_processed;
    }
    return row;
  }

  const Arguments& arguments_;
  std::shared_ptr<const Profile> profile_;
  std::vector<Row> rows_;
  size_t seen_ = 0;
};

std::vector<std::string> objects_of(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (fs::is_directory(name)) std::ranges::copy(objects_in(name), std::back_inserter(files));
    else files.push_back(name);
  }
  return files;
}

void print_row(const Row& r) {
  fmt::print("  {:>10.0f} {:>10.0f} {:>6.2f} {:>9}  {}:{}\n", r.ours_us, r.kernel_us, r.ratio(),
             r.insns, r.object, r.program);
}

/// How time grows with processed instructions: the exponent of a power law fitted to the programs
/// of at least a thousand; 1 is linear.
double growth(const std::vector<Row>& rows) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (const Row& r : rows) {
    if (r.insns < 1000 || r.ours_us <= 0) continue;
    const double x = std::log(static_cast<double>(r.insns)), y = std::log(r.ours_us);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  return n < 2 ? NAN : (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

void report(const Arguments& arguments, const Measurement& measurement, std::vector<Row> rows) {
  double kernel = 0, ours = 0, insns = 0;
  size_t slow = 0;
  for (const Row& r : rows) {
    kernel += r.kernel_us;
    ours += r.ours_us;
    insns += static_cast<double>(r.insns);
    slow += r.ours_us > 2 * r.kernel_us + 100;
  }
  fmt::print("{} programs of {} (the others cannot be put to this kernel)\n", rows.size(),
             measurement.seen());
  fmt::print(
      "  Drydock {:.0f} ms, the kernel {:.0f} ms: {:.2f} times the kernel's; {:.0f} ns an "
      "instruction\n",
      ours / 1000, kernel / 1000, ours / kernel, ours * 1000 / insns);
  fmt::print("  {} programs are more than 100 us slower than twice the kernel\n", slow);
  fmt::print("  time grows as processed instructions to the power of {:.2f}\n", growth(rows));
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print("  peak memory {} MB\n", usage.ru_maxrss / 1024);
  fmt::print("  the largest, in us (Drydock, kernel, ratio, instructions):\n");
  std::ranges::sort(rows, std::greater(), &Row::kernel_us);
  for (size_t i = 0; i < rows.size() && i < static_cast<size_t>(2 * arguments.worst); ++i)
    print_row(rows[i]);
  fmt::print("  furthest above half of the kernel's time:\n");
  std::ranges::sort(rows, std::greater(), [](const Row& r) { return r.ours_us - r.kernel_us / 2; });
  for (size_t i = 0; i < rows.size() && i < static_cast<size_t>(arguments.worst); ++i)
    print_row(rows[i]);
}

void write_tsv(const std::string& path, const std::vector<Row>& rows) {
  std::ofstream out(path);
  out << "object\tprogram\tinsns\tkernel_us\tdrydock_us\n";
  for (const Row& r : rows)
    out << fmt::format("{}\t{}\t{}\t{:.0f}\t{:.1f}\n", r.object, r.program, r.insns, r.kernel_us,
                       r.ours_us);
}

void write_svg(const std::string& path, const std::vector<Row>& rows,
               const std::string& kernel_release) {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const std::chrono::year_month_day date(today);
  ScatterPlot plot("Verification time by processed instructions", "processed instructions",
                   "microseconds",
                   fmt::format("{} programs, Linux {}, {}-{:02}-{:02}; time to the power of {:.2f}",
                               rows.size(), kernel_release, int{date.year()},
                               unsigned{date.month()}, unsigned{date.day()}, growth(rows)));
  ScatterPlot::Series kernel{"the running kernel", "#c0504d", {}}, ours{"Drydock", "#1f5fa8", {}};
  for (const Row& r : rows) {
    kernel.points.push_back({static_cast<double>(r.insns), r.kernel_us});
    ours.points.push_back({static_cast<double>(r.insns), r.ours_us});
  }
  plot.add(std::move(kernel));
  plot.add(std::move(ours));
  std::ofstream(path) << plot.svg();
}

int run(const Arguments& arguments) {
  if (std::string why = test::host_unavailable(); !why.empty()) {
    fmt::print("skipped: {}\n", why);
    return 0;
  }
  auto profile = Profile::load("host");
  if (!profile) {
    fmt::print("skipped: {}\n", profile.error().message);
    return 0;
  }
  rlimit limit{};
  if (!getrlimit(RLIMIT_NOFILE, &limit))
    limit.rlim_cur = limit.rlim_max, setrlimit(RLIMIT_NOFILE, &limit);
  fmt::print("verification beside the running kernel {}, best of {}:\n", (*profile)->release(),
             arguments.rounds);
  Measurement measurement(arguments, *profile);
  for (const std::string& file : objects_of(arguments.objects)) measurement.object(file);
  if (measurement.rows().empty()) {
    fmt::print("skipped: no program of these objects can be put to this kernel\n");
    return 0;
  }
  report(arguments, measurement, measurement.rows());
  if (!arguments.tsv.empty()) write_tsv(arguments.tsv, measurement.rows());
  if (!arguments.svg.empty()) write_svg(arguments.svg, measurement.rows(), (*profile)->release());
  return 0;
}

}  // namespace
}  // namespace drydock::bench

int main(int argc, char** argv) {
  drydock::bench::Arguments arguments;
  CLI::App app("Verification time beside the running kernel's");
  app.add_option("OBJECT", arguments.objects, "objects, or folders of them")->required();
  app.add_option("--rounds", arguments.rounds, "of which the best counts")->capture_default_str();
  app.add_option("--worst", arguments.worst, "how many programs to list")->capture_default_str();
  app.add_option("--tsv", arguments.tsv, "every program's figures, to this file");
  app.add_option("--svg", arguments.svg, "a plot of them, to this file");
  CLI11_PARSE(app, argc, argv);
  return drydock::bench::run(arguments);
}
