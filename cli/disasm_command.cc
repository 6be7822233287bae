// SPDX-License-Identifier: Apache-2.0
// `drydock disasm`: the instructions of an object's programs, as libbpf hands them to the kernel.
#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "drydock/kernel.h"

namespace drydock::cli {
namespace {

struct DisasmCommandOptions {
  std::string file, kernel = std::string(api::kDefaultKernel), program, raw;
};

void print_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) fmt::print("{}\n", line);
}

int disasm_raw(const DisasmCommandOptions& options, std::span<const std::byte> bytes) {
  using Format = api::RawProgram::Format;
  auto lines = api::disassemble(options.raw == "hex" ? Format::kHex : Format::kBinary, bytes);
  if (!lines) return complain({ErrorKind::kMalformed, options.file + ": " + lines.error().message});
  print_lines(*lines);
  return kGood;
}

int run_disasm(const DisasmCommandOptions& options) {
  auto bytes = api::read_input(options.file);
  if (!bytes) return complain(bytes.error());
  if (!options.raw.empty()) return disasm_raw(options, *bytes);
  auto profile = load_profile(options.kernel);
  if (!profile) return complain(profile.error());
  auto object = api::Kernel(*profile).open(*bytes, options.file);
  if (!object) return complain(object.error());
  if (!options.program.empty())
    if (auto found = object->program(options.program); !found) {
      Error error = found.error();
      error.message = options.file + ": " + error.message;
      return complain(error);
    }
  int status = kGood;
  for (const api::Program& p : object->programs()) {
    if (!options.program.empty() && p.name() != options.program) continue;
    fmt::print("{} [{}], {} {}\n", p.name(), p.section(), p.type(), p.attach_type());
    auto lines = p.disassemble();
    if (lines) {
      print_lines(*lines);
      continue;
    }
    fmt::print("  malformed: {}\n", lines.error().message);
    status = worse(status, exit_status_of(lines.error()));
  }
  return status;
}

}  // namespace

Action add_disasm(CLI::App& app) {
  auto options = std::make_shared<DisasmCommandOptions>();
  CLI::App* c =
      app.add_subcommand("disasm", "The instructions of an object's programs, after relocation");
  c->add_option("FILE", options->file,
                "a BPF object (with --raw: instructions, - for standard input)")
      ->required();
  c->add_option("--kernel,-k", options->kernel,
                "kernel profile that CO-RE relocations resolve against")
      ->capture_default_str();
  c->add_option("--program,-p", options->program, "only the program of that name");
  c->add_option("--raw", options->raw, "the file holds instructions: hex or binary")
      ->check(CLI::IsMember({"hex", "binary"}));
  return [options] { return run_disasm(*options); };
}

}  // namespace drydock::cli
