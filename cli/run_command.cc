// SPDX-License-Identifier: Apache-2.0
// `drydock run`: one program on one context, or raw instructions on a piece of memory.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <chrono>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "contexts/context_rows.h"
#include "emulator/events/runner.h"
#include "emulator/interpreter/raw_run.h"
#include "emulator/loader/object.h"
#include "isa/encoding.h"

namespace drydock::cli {
namespace {

using Json = nlohmann::ordered_json;

struct RunOptions {
  std::string file, kernel = "6.18", program, context, format = "text";
  std::vector<uint64_t> args;
  uint64_t repeat = 1, seed = 1, clock_ns = 1'000'000'000, budget = 1'000'000'000;
  uint32_t cpus = 1;
  bool raw = false;
};

int usage(std::string message) { return complain({ErrorKind::kUsage, std::move(message), 0}); }

int run_raw(const RunOptions& options) {
  auto input = read_input("-");
  if (!input) return complain(input.error());
  std::string_view program(reinterpret_cast<const char*>(input->data()), input->size());
  std::optional<std::string_view> memory;
  if (!options.file.empty()) memory = options.file;
  auto result = raw_run(program, memory, {.instructions = options.budget});
  if (!result) return complain(result.error());
  fmt::print("{:x}\n", *result);
  return kGood;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (std::byte b : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
  return text;
}

/// The context: bytes that were given, else u64 arguments, else zeroes of the struct's size.
Result<std::vector<std::byte>> context_bytes(const RunOptions& options, const ProgramObject& program) {
  if (!options.context.empty()) return isa::parse_hex_bytes(options.context);
  if (!options.args.empty()) {
    std::vector<std::byte> bytes(options.args.size() * 8);
    std::memcpy(bytes.data(), options.args.data(), bytes.size());
    return bytes;
  }
  constexpr uint32_t kArgumentSlots = 13 * 8;
  const ContextStruct* rows = context_struct(program.input.type);
  return std::vector<std::byte>(rows && rows->size ? rows->size : kArgumentSlots);
}

Json map_json(const LoadedObject::LoadedMap& map) {
  Json entries = Json::array();
  Map& m = *map.object->map;
  std::vector<std::byte> key(m.key_size), next(m.key_size), value(m.user_value_size());
  ByteSpan at;
  constexpr size_t kMostEntries = 1024;
  while (entries.size() < kMostEntries && m.next_key(at, next) == 0) {
    if (m.user_lookup(next, value, 0) == 0)
      entries.push_back({{"key", hex(next)}, {"value", hex(value)}});
    key = next;
    at = key;
  }
  return {{"name", map.name}, {"type", name_of(m.type)}, {"entries", entries}};
}

void print_text(const Json& doc) {
  if (!doc["fault"].is_null()) fmt::print("fault: {}\n", doc["fault"]["message"].get<std::string>());
  else fmt::print("return {} (0x{:x})\n", static_cast<int64_t>(doc["return"].get<uint64_t>()), doc["return"].get<uint64_t>());
  fmt::print("{} instructions, {:.1f} ns a run\ncontext {}\n", doc["insns_executed"].get<uint64_t>(),
             doc["ns_per_run"].get<double>(), doc["context"].get<std::string>());
  for (const char* stream : {"output", "printk"})
    if (!doc[stream].get<std::string>().empty()) fmt::print("{}:\n{}\n", stream, doc[stream].get<std::string>());
  for (const Json& map : doc["maps"])
    for (const Json& entry : map["entries"])
      fmt::print("map {} [{}] = {}\n", map["name"].get<std::string>(), entry["key"].get<std::string>(),
                 entry["value"].get<std::string>());
}

int run_object(const RunOptions& options) {
  auto bytes = read_input(options.file);
  if (!bytes) return complain(bytes.error());
  auto profile = load_kernel(options.kernel);
  if (!profile) return usage(profile.error().message);
  Kernel kernel(*profile, {.verifier = verify, .cpus = options.cpus});
  Loader loader(kernel);
  LoadOptions wanted;
  if (!options.program.empty()) wanted.programs = {options.program};
  auto object = loader.load(*bytes, options.file, wanted);
  if (!object) return complain(object.error());
  std::shared_ptr<ProgramObject> program;
  for (const LoadedObject::Program& p : (*object)->programs())
    if (p.object && (options.program.empty() || p.name == options.program)) program = program ? program : p.object;
  if (!program) return complain({ErrorKind::kNotFound, options.file + ": no program was loaded", 0});

  World world(kernel.memory(), **profile, options.cpus, options.seed);
  world.set_clock(options.clock_ns);
  world.set_call_site({.program_type = program->input.type, .attach_type = program->input.expected_attach_type});
  Runner runner(world);
  runner.set_limits({.instructions = options.budget});
  auto context = context_bytes(options, *program);
  if (!context) return usage("--context: " + context.error().message);
  Region* region = kernel.memory().allocate({.kind = RegionKind::kContext, .size = context->size(), .name = "context"});
  std::memcpy(region->host, context->data(), context->size());
  auto start = std::chrono::steady_clock::now();
  Result<ProgramRun> run = ProgramRun{};
  for (uint64_t i = 0; i < options.repeat && run && run->report.ok(); ++i)
    run = runner.run(program, region->base);
  std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
  if (!run) return complain(run.error());
  const RunReport& report = run->report;
  Json doc = {{"schema", 1}, {"kernel", (*profile)->name()}, {"program", program->input.name},
              {"return", report.return_value}, {"insns_executed", report.insns_executed},
              {"ns_per_run", took.count() / static_cast<double>(options.repeat)},
              {"context", hex({region->host, context->size()})}};
  doc["maps"] = Json::array();
  for (const LoadedObject::LoadedMap& map : (*object)->maps())
    if (map.object && map.object->map) doc["maps"].push_back(map_json(map));
  doc["output"] = world.output(Output::kSeqFile);
  doc["printk"] = world.output(Output::kTrace);
  doc["fault"] = nullptr;
  if (!report.ok())
    doc["fault"] = {{"stop", name_of(report.stop)}, {"insn", report.insn}, {"message", report.message}};
  if (options.format == "json") fmt::print("{}\n", doc.dump(2, ' ', false, Json::error_handler_t::replace));
  else print_text(doc);
  if (report.stop == Stop::kUnsupported) return kUnsupported;
  return report.ok() ? kGood : kRejected;
}

}  // namespace

Action add_run(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* c = app.add_subcommand("run", "Runs one program on one context, or raw instructions");
  c->add_option("FILE", options->file, "a BPF object; with --raw the memory as hex bytes (\"00 01 ff\"), absent for none");
  c->add_flag("--raw", options->raw, "instructions as one line of hex on standard input; prints r0 in hex");
  c->add_option("--kernel,-k", options->kernel, "kernel profile")->capture_default_str();
  c->add_option("--program,-p", options->program, "the program to run (default: the first)");
  c->add_option("--context", options->context, "bytes of the context, as hex");
  c->add_option("--args", options->args, "arguments of a traced function or hook, as numbers")->delimiter(',');
  c->add_option("--repeat", options->repeat, "how often")->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40));
  c->add_option("--seed", options->seed, "of the random numbers")->capture_default_str();
  c->add_option("--clock", options->clock_ns, "nanoseconds since boot")->capture_default_str();
  c->add_option("--cpus", options->cpus, "possible CPUs")->check(CLI::Range(1, 4096));
  c->add_option("--budget", options->budget, "most instructions of a run")->capture_default_str();
  c->add_option("--format,-f", options->format, "text or json")->check(CLI::IsMember({"text", "json"}));
  return [options] {
    if (options->raw) return run_raw(*options);
    if (options->file.empty()) return usage("run needs an object, or --raw");
    return run_object(*options);
  };
}

}  // namespace drydock::cli
