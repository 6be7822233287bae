// SPDX-License-Identifier: Apache-2.0
// `drydock compare`: the same programs on the emulated kernel and on a real one.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "emulator/loader/object.h"
#include "referee/comparison.h"

namespace drydock::cli {
namespace {

struct CompareOptions {
  std::vector<std::string> files;
  std::string with = "host", format = "text", output;
  size_t groups = 20;
};

void compare_object(const std::string& file, const std::shared_ptr<const Profile>& profile,
                    std::vector<referee::Pair>* pairs) {
  auto bytes = read_input(file);
  if (!bytes) {
    pairs->push_back({.object = file, .skipped = bytes.error().message});
    return;
  }
  Kernel kernel(profile, {.verifier = verify});
  Loader loader(kernel);
  auto object = loader.inspect(*bytes, file);
  if (!object) {
    pairs->push_back({.object = file, .skipped = object.error().message});
    return;
  }
  referee::HostKernel host;
  for (const InspectedProgram& p : object->programs) {
    referee::Pair pair{.object = file, .program = p.name, .type = std::string(name_of(p.type))};
    if (!p.program) {
      pair.skipped = "does not reach a kernel: " + p.error.message;
    } else if (auto answer = host.ask(*p.program); !answer) {
      pair.skipped = answer.error().message;
    } else if (answer->err == EPERM && !answer->verifier_spoke) {
      pair.skipped = "the kernel does not let us load such programs (EPERM)";
    } else {
      pair.theirs = *answer;
      pair.ours = kernel.verify(*p.program, {});
    }
    pairs->push_back(std::move(pair));
  }
}

nlohmann::ordered_json summary_json(const referee::Summary& s, const std::vector<referee::Pair>& pairs,
                                    const std::string& kernel) {
  nlohmann::ordered_json doc = {
      {"schema", 1}, {"kernel", kernel}, {"programs", s.programs}, {"skipped", s.skipped},
      {"unsupported", s.unsupported}, {"same_verdict", s.same_verdict},
      {"false_accepts", s.false_accepts}, {"false_rejects", s.false_rejects},
      {"both_reject", s.both_reject}, {"same_errno", s.same_errno},
      {"same_message", s.same_message}, {"counted", s.counted}, {"same_count", s.same_count},
      {"same_states", s.same_states}};
  doc["groups"] = nlohmann::ordered_json::array();
  for (const referee::Group& g : s.groups)
    doc["groups"].push_back({{"cause", g.cause}, {"count", g.count}, {"example", g.example}});
  doc["pairs"] = nlohmann::ordered_json::array();
  for (const referee::Pair& p : pairs)
    doc["pairs"].push_back({{"object", p.object}, {"program", p.program}, {"skipped", p.skipped},
                            {"ours", {{"kind", static_cast<int>(p.ours.kind)}, {"errno", p.ours.err},
                                      {"message", p.ours.message}, {"insns", p.ours.statistics.insns_processed},
                                      {"us", p.ours.statistics.duration_ns / 1000}}},
                            {"theirs", {{"accepted", p.theirs.accepted}, {"errno", p.theirs.err},
                                        {"message", p.theirs.message}, {"insns", p.theirs.insns_processed},
                                        {"us", p.theirs.duration_us}}}});
  return doc;
}

std::string share(size_t part, size_t whole) {
  return fmt::format("{} of {} ({:.2f} %)", part, whole, whole ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 100.0);
}

void print_text(const referee::Summary& s, const std::string& kernel, size_t groups) {
  size_t asked = s.programs - s.skipped;
  fmt::print("compared with {}: {} programs, {} skipped\n", kernel, s.programs, s.skipped);
  fmt::print("  same verdict      {}\n", share(s.same_verdict, asked));
  fmt::print("  false accepts     {}\n  false rejects     {}\n  not answered      {}\n", s.false_accepts,
             s.false_rejects, s.unsupported);
  fmt::print("  same errno        {}\n", share(s.same_errno, s.both_reject));
  fmt::print("  same error line   {}\n", share(s.same_message, s.both_reject));
  fmt::print("  same insn count   {}\n", share(s.same_count, s.counted));
  fmt::print("  same state count  {}\n", share(s.same_states, s.counted));
  for (size_t i = 0; i < s.groups.size() && i < groups; ++i)
    fmt::print("{:6}  {}\n        e.g. {}\n", s.groups[i].count, s.groups[i].cause, s.groups[i].example);
}

int run_compare(const CompareOptions& options) {
  if (options.with != "host")
    return complain({ErrorKind::kUnsupported, "compare --with " + options.with + ": only `host` can be asked", 0});
  if (std::string why = referee::HostKernel::unavailable(); !why.empty()) {
    fmt::print("skipped: {}\n", why);
    return kUnsupported;
  }
  auto profile = load_kernel("host");
  if (!profile) {
    fmt::print("skipped: {}\n", profile.error().message);
    return kUnsupported;
  }
  std::vector<referee::Pair> pairs;
  for (const std::string& file : options.files) compare_object(file, *profile, &pairs);
  referee::Summary s = referee::summarise(pairs);
  std::string kernel = "host (" + (*profile)->release() + ")";
  if (!options.output.empty()) {
    std::string text = summary_json(s, pairs, kernel).dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    if (auto written = write_file(options.output, as_byte_span(text)); !written) return complain(written.error());
  }
  if (options.format == "json")
    fmt::print("{}\n", summary_json(s, pairs, kernel).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  else
    print_text(s, kernel, options.groups);
  bool different = s.same_verdict + s.unsupported != s.programs - s.skipped || s.same_message != s.both_reject;
  return different ? kRejected : s.unsupported ? kUnsupported : kGood;
}

}  // namespace

Action add_compare(CLI::App& app) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* c = app.add_subcommand("compare", "The same programs on the emulated kernel and on a real one");
  c->add_option("FILE", options->files, "BPF objects")->required();
  c->add_option("--with", options->with, "the real kernel: host (the running one, as root)")->capture_default_str();
  c->add_option("--format,-f", options->format, "text or json")->check(CLI::IsMember({"text", "json"}));
  c->add_option("--output,-o", options->output, "writes the whole comparison there as JSON");
  c->add_option("--groups", options->groups, "how many groups of differences to print")->capture_default_str();
  return [options] { return run_compare(*options); };
}

}  // namespace drydock::cli
