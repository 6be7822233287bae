// SPDX-License-Identifier: Apache-2.0
#include "emulator/interpreter/raw_run.h"

#include <fmt/format.h>

#include "helpers/kernel_objects.h"
#include "isa/encoding.h"

namespace drydock {
namespace {

/// A world with nothing in it.
class BareMachine final : public Machine {
 public:
  BareMachine(Memory& memory, const Profile& profile)
      : Machine(memory, profile), objects_(memory, nullptr) {}
  const CallSite& call_site() const override { return site_; }
  Map* map_at(uint64_t) override { return nullptr; }
  const Executable* tail_call_target(uint64_t, uint32_t) override { return nullptr; }
  uint64_t clock_ns(Clock) override { return 0; }
  uint32_t random() override { return 0; }
  uint32_t cpu() const override { return 0; }
  uint32_t cpu_count() const override { return 1; }
  uint64_t current_task() override { return 0; }
  KernelObjects& objects() override { return objects_; }
  void write(Output, std::string_view) override {}
  void effect(std::string_view, uint64_t) override {}

 private:
  CallSite site_;
  KernelObjects objects_;
};

constexpr uint32_t kFirstArgument = 5;

uint64_t first_argument(Machine&, std::span<const uint64_t, 5> args) { return args[0]; }

class RawCalls final : public CallResolver {
 public:
  Callee helper(uint32_t id) const override {
    if (id == kFirstArgument) return {first_argument, "helper 5"};
    return {nullptr, fmt::format("helper {}", id)};
  }
  Callee kfunc(const isa::Insn& insn) const override {
    return {nullptr, fmt::format("kfunc {}", insn.imm)};
  }
};

}  // namespace

Result<uint64_t> raw_run(std::string_view program, std::optional<std::string_view> memory_text,
                         RunLimits limits) {
  auto insns = isa::parse_hex(program);
  if (!insns) return malformed("instructions: " + insns.error().message);
  Result<std::vector<std::byte>> bytes;
  if (memory_text) bytes = isa::parse_hex_bytes(*memory_text);
  if (!bytes) return malformed("memory: " + bytes.error().message);

  Memory memory;
  const Profile profile;
  BareMachine machine(memory, profile);
  ProgramImage image{.name = "program", .insns = std::move(*insns)};
  image.callx_helpers = {kFirstArgument};
  auto executable = Executable::create(std::move(image), RawCalls(), memory);
  if (!executable) return std::unexpected(std::move(executable.error()));

  std::array<uint64_t, 2> args = {};
  if (!bytes->empty()) {
    const Region* region = memory.allocate({.kind = RegionKind::kContext,
                                            .size = bytes->size(),
                                            .name = "memory",
                                            .external = bytes->data()});
    args = {region->base, region->size};
  }
  RunReport report = Interpreter(machine).run(**executable, args, limits);
  if (report.ok()) return report.return_value;
  if (report.stop == Stop::kUnsupported) return unsupported(std::move(report.message));
  return malformed(std::move(report.message));
}

}  // namespace drydock
