// SPDX-License-Identifier: Apache-2.0
// `drydock run`: one program on one context, or raw instructions on a piece of memory.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "drydock/kernel.h"
#include "drydock/session.h"

namespace drydock::cli {
namespace {

using Json = nlohmann::ordered_json;

struct RunOptions {
  std::string file, kernel = std::string(api::kDefaultKernel), program, context, format = "text";
  std::vector<uint64_t> args;
  uint64_t repeat = 1, seed = 1, clock_ns = 1'000'000'000, budget = 1'000'000'000;
  uint32_t cpus = 1;
  bool raw = false;
};

int usage(std::string message) { return complain({ErrorKind::kUsage, std::move(message), 0}); }

int run_raw(const RunOptions& options) {
  auto input = api::read_input("-");
  if (!input) return complain(input.error());
  std::string_view program(reinterpret_cast<const char*>(input->data()), input->size());
  auto result =
      api::run_raw(program, options.file.empty() ? nullptr : &options.file, options.budget);
  if (!result) return complain(result.error());
  fmt::print("{:x}\n", *result);
  return kGood;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (std::byte b : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
  return text;
}

Result<std::vector<std::byte>> parse_context(const std::string& text) {
  std::vector<std::byte> bytes;
  std::string digits;
  for (char c : text)
    if (c != ' ') digits += c;
  for (size_t i = 0; i < digits.size(); i += 2) {
    unsigned value = 0;
    auto [end, err] =
        std::from_chars(&digits[i], digits.data() + std::min(i + 2, digits.size()), value, 16);
    if (err != std::errc() || end != &digits[i] + 2)
      return std::unexpected(Error{ErrorKind::kUsage,
                                   "--context: `" + digits.substr(i, 2) + "` is no byte in hex"});
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

Json map_json(const api::Map& map) {
  constexpr size_t kMostEntries = 1024, kMostBytes = 1 << 20;
  const api::Map::Contents contents = map.contents(kMostEntries, kMostBytes);
  Json entries = Json::array();
  for (const auto& [key, value] : contents.entries)
    entries.push_back({{"key", hex(key)}, {"value", hex(value)}});
  return {{"name", map.name()},
          {"type", map.type()},
          {"entries", entries},
          {"complete", contents.complete}};
}

Json to_json(const api::Session& session, const std::string& kernel, const api::Outcome& outcome) {
  const api::ProgramRun& run = outcome.runs.front();
  Json doc = {{"schema", 1},
              {"kernel", kernel},
              {"program", run.program},
              {"return", run.returned},
              {"insns_executed", run.insns_executed},
              {"ns_per_run", outcome.ns_per_run},
              {"context", hex(outcome.context)}};
  doc["maps"] = Json::array();
  for (const api::Map& map : session.maps()) doc["maps"].push_back(map_json(map));
  doc["output"] = outcome.output;
  doc["printk"] = session.trace_output();
  doc["fault"] = nullptr;
  if (!run.ok()) doc["fault"] = {{"stop", run.stop}, {"insn", run.insn}, {"message", run.message}};
  return doc;
}

void print_text(const Json& doc) {
  if (!doc["fault"].is_null())
    fmt::print("fault: {}\n", doc["fault"]["message"].get<std::string>());
  else
    fmt::print("return {} (0x{:x})\n", static_cast<int64_t>(doc["return"].get<uint64_t>()),
               doc["return"].get<uint64_t>());
  fmt::print("{} instructions, {:.1f} ns a run\ncontext {}\n",
             doc["insns_executed"].get<uint64_t>(), doc["ns_per_run"].get<double>(),
             doc["context"].get<std::string>());
  for (const char* stream : {"output", "printk"})
    if (!doc[stream].get<std::string>().empty())
      fmt::print("{}:\n{}\n", stream, doc[stream].get<std::string>());
  for (const Json& map : doc["maps"]) {
    std::string name = map["name"];
    for (const Json& entry : map["entries"])
      fmt::print("map {} [{}] = {}\n", name, entry["key"].get<std::string>(),
                 entry["value"].get<std::string>());
    if (!map["complete"]) fmt::print("map {}: more than is shown\n", name);
  }
}

int run_object(const RunOptions& options) {
  auto bytes = api::read_input(options.file);
  if (!bytes) return complain(bytes.error());
  auto profile = load_profile(options.kernel);
  if (!profile) return complain(profile.error());
  auto context = parse_context(options.context);
  if (!context) return complain(context.error());
  auto object = api::Kernel(*profile, {.cpus = options.cpus}).open(*bytes, options.file);
  if (!object) return complain(object.error());
  if (object->programs().empty())
    return complain({ErrorKind::kNotFound, options.file + ": it holds no program"});
  const std::string program =
      options.program.empty() ? object->programs().front().name() : options.program;
  auto session = api::Session::load(*object, {.programs = {program},
                                              .seed = options.seed,
                                              .clock_ns = options.clock_ns,
                                              .most_insns = options.budget});
  if (!session) return complain(session.error());
  auto outcome = session->fire(api::RunProgram{
      .program = program, .context = *context, .args = options.args, .repeat = options.repeat});
  if (!outcome) return complain(outcome.error());
  Json doc = to_json(*session, profile->name(), *outcome);
  if (options.format == "json")
    fmt::print("{}\n", doc.dump(2, ' ', false, Json::error_handler_t::replace));
  else print_text(doc);
  const api::ProgramRun& run = outcome->runs.front();
  if (run.stop == "unsupported") return kUnsupported;
  return run.ok() ? kGood : kRejected;
}

}  // namespace

Action add_run(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* c = app.add_subcommand("run", "Runs one program on one context, or raw instructions");
  c->add_option("FILE", options->file,
                "a BPF object; with --raw the memory as hex bytes (\"00 01 ff\"), absent for none");
  c->add_flag("--raw", options->raw,
              "instructions as one line of hex on standard input; prints r0 in hex");
  c->add_option("--kernel,-k", options->kernel, "kernel profile")->capture_default_str();
  c->add_option("--program,-p", options->program, "the program to run (default: the first)");
  c->add_option("--context", options->context, "bytes of the context, as hex");
  c->add_option("--args", options->args, "arguments of a traced function or hook, as numbers")
      ->delimiter(',');
  c->add_option("--repeat", options->repeat, "how often")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40));
  c->add_option("--seed", options->seed, "of the random numbers")->capture_default_str();
  c->add_option("--clock", options->clock_ns, "nanoseconds since boot")->capture_default_str();
  c->add_option("--cpus", options->cpus, "possible CPUs")->check(CLI::Range(1, 4096));
  c->add_option("--budget", options->budget, "most instructions of a run")->capture_default_str();
  c->add_option("--format,-f", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}));
  return [options] {
    if (options->raw) return run_raw(*options);
    if (options->file.empty()) return usage("run needs an object, or --raw");
    return run_object(*options);
  };
}

}  // namespace drydock::cli
