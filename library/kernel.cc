// SPDX-License-Identifier: Apache-2.0
// Kernels, and opening objects for them.
#include "drydock/kernel.h"

#include "base/file.h"
#include "base/input.h"
#include "emulator/interpreter/raw_run.h"
#include "isa/assemble.h"
#include "isa/encoding.h"
#include "library/disassembly.h"
#include "library/impl.h"

namespace drydock::api {
namespace {

std::unexpected<Error> usage(std::string message) {
  return std::unexpected(Error{ErrorKind::kUsage, std::move(message)});
}

Result<std::vector<isa::Insn>> decode(RawProgram::Format format,
                                      std::span<const std::byte> source) {
  std::string_view text(reinterpret_cast<const char*>(source.data()), source.size());
  switch (format) {
    case RawProgram::Format::kHex: return isa::parse_hex(text);
    case RawProgram::Format::kAssembly: return isa::assemble(text);
    case RawProgram::Format::kBinary: break;
  }
  return isa::from_bytes(source);
}

Result<drydock::RawProgram> resolve(const RawProgram& given) {
  auto insns = decode(given.format, given.source);
  if (!insns) return std::unexpected(insns.error());
  auto type = program_type_named(given.type);
  if (!type) return usage("unknown program type `" + given.type + "`");
  drydock::RawProgram program{.insns = std::move(*insns),
                              .type = *type,
                              .name = given.name,
                              .license = given.license,
                              .flags = given.sleepable ? kProgSleepable : 0,
                              .attach_function = given.attach_function};
  if (given.attach_type.empty()) return program;
  auto attach = attach_type_named(given.attach_type);
  if (!attach) return usage("unknown attach type `" + given.attach_type + "`");
  program.attach_type = *attach;
  return program;
}

std::vector<Program> programs_of(const std::shared_ptr<Kernel::Impl>& kernel,
                                 std::vector<InspectedProgram> inspected) {
  std::vector<Program> programs;
  for (InspectedProgram& p : inspected)
    programs.emplace_back(std::make_shared<const Program::Impl>(kernel, std::move(p)));
  return programs;
}

}  // namespace

Kernel::Kernel(const Profile& profile, const KernelOptions& options)
    : impl_(std::make_shared<Impl>(profile, options)) {}

const Profile& Kernel::profile() const { return impl_->profile; }

Result<Object> Kernel::open(std::span<const std::byte> elf, const std::string& name) const {
  auto inspected = impl_->loader.inspect(elf, name);
  if (!inspected) return std::unexpected(inspected.error());
  return Object(std::make_shared<const Object::Impl>(
      impl_, name, std::vector<std::byte>(elf.begin(), elf.end()),
      programs_of(impl_, std::move(inspected->programs)), std::move(inspected->messages)));
}

Result<Object> Kernel::open_file(const std::string& path) const {
  auto bytes = read_file(path);
  if (!bytes) return std::unexpected(bytes.error());
  return open(*bytes, path);
}

Result<Object> Kernel::open_raw(const RawProgram& given) const {
  auto program = resolve(given);
  if (!program) return std::unexpected(program.error());
  auto loaded = load_raw(impl_->kernel, *program);
  if (!loaded) return std::unexpected(loaded.error());
  InspectedProgram inspected{.name = program->name,
                             .section = {},
                             .type = program->type,
                             .attach_type = program->attach_type,
                             .program = *loaded};
  std::vector<InspectedProgram> programs;
  programs.push_back(std::move(inspected));
  return Object(std::make_shared<const Object::Impl>(impl_, given.name, std::vector<std::byte>{},
                                                     programs_of(impl_, std::move(programs)),
                                                     std::vector<std::string>{}));
}

Result<std::vector<std::byte>> read_input(const std::string& path) {
  return drydock::read_input(path);
}

Result<std::vector<std::string>> disassemble(RawProgram::Format format,
                                             std::span<const std::byte> source) {
  auto insns = decode(format, source);
  if (!insns) return std::unexpected(insns.error());
  return disassembled(*insns, nullptr);
}

Result<uint64_t> run_raw(std::string_view program, const std::string* memory, uint64_t most_insns) {
  std::optional<std::string_view> bytes;
  if (memory) bytes = *memory;
  return raw_run(program, bytes, {.instructions = most_insns});
}

}  // namespace drydock::api
