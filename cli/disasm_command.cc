// SPDX-License-Identifier: Apache-2.0
// `drydock disasm`: the instructions of an object's programs, as libbpf hands them to the kernel.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "emulator/loader/object.h"
#include "helpers/helper_row.h"
#include "isa/disassemble.h"
#include "isa/encoding.h"

namespace drydock::cli {
namespace {

struct DisasmCommandOptions {
  std::string file, kernel = "6.18", program, raw;
};

/// Names of helpers and kfuncs behind calls.
class Names final : public isa::DisasmNames {
 public:
  explicit Names(const Btf* btf) : btf_(btf) {}
  std::optional<std::string> call(const isa::Insn& insn) const override {
    if (isa::is_helper_call(insn)) {
      const HelperRow* row = helper_row(static_cast<HelperId>(insn.imm));
      return row ? std::optional("bpf_" + std::string(row->name)) : std::nullopt;
    }
    if (isa::is_kfunc_call(insn) && btf_ && insn.off == 0) {
      std::string_view name = btf_->name_of(static_cast<uint32_t>(insn.imm));
      if (!name.empty()) return std::string(name);
    }
    return std::nullopt;
  }

 private:
  const Btf* btf_;
};

void print_program(const std::vector<isa::Insn>& insns, const Btf* btf) {
  Names names(btf);
  for (size_t i = 0; i < insns.size(); ++i) {
    bool wide = isa::is_ld_imm64(insns[i]);
    if (wide && i + 1 == insns.size()) {
      fmt::print("{:4}: truncated 64-bit load\n", i);
      return;
    }
    fmt::print("{:4}: {}\n", i, isa::disassemble(&insns[i], names));
    i += wide;
  }
}

int run_disasm(const DisasmCommandOptions& options) {
  auto bytes = read_input(options.file);
  if (!bytes) return complain(bytes.error());
  if (!options.raw.empty()) {
    auto insns = options.raw == "hex"
                     ? isa::parse_hex({reinterpret_cast<const char*>(bytes->data()), bytes->size()})
                     : isa::from_bytes(*bytes);
    if (!insns) return complain({ErrorKind::kMalformed, options.file + ": " + insns.error().message, 0});
    print_program(*insns, nullptr);
    return kGood;
  }
  auto profile = load_kernel(options.kernel);
  if (!profile) return complain({ErrorKind::kUsage, profile.error().message, 0});
  Kernel kernel(*profile, {.verifier = verify});
  Loader loader(kernel);
  auto object = loader.inspect(*bytes, options.file);
  if (!object) return complain(object.error());
  int status = kGood;
  bool found = options.program.empty();
  for (const InspectedProgram& p : object->programs) {
    if (!options.program.empty() && p.name != options.program) continue;
    found = true;
    fmt::print("{} [{}], {} {}\n", p.name, p.section, name_of(p.type), name_of(p.attach_type));
    if (!p.program) {
      fmt::print("  malformed: {}\n", p.error.message);
      status = worse(status, exit_status_of(p.error));
      continue;
    }
    print_program(p.program->input.insns, (*profile)->btf().get());
  }
  if (!found) return complain({ErrorKind::kNotFound, options.file + ": there is no program `" + options.program + "`", 0});
  return status;
}

}  // namespace

Action add_disasm(CLI::App& app) {
  auto options = std::make_shared<DisasmCommandOptions>();
  CLI::App* c = app.add_subcommand("disasm", "The instructions of an object's programs, after relocation");
  c->add_option("FILE", options->file, "a BPF object (with --raw: instructions, - for standard input)")->required();
  c->add_option("--kernel,-k", options->kernel, "kernel profile that CO-RE relocations resolve against")->capture_default_str();
  c->add_option("--program,-p", options->program, "only the program of that name");
  c->add_option("--raw", options->raw, "the file holds instructions: hex or binary")->check(CLI::IsMember({"hex", "binary"}));
  return [options] { return run_disasm(*options); };
}

}  // namespace drydock::cli
