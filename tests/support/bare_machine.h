// SPDX-License-Identifier: Apache-2.0
// The smallest world that a program can run in, for tests: no maps, no objects, time at 0.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>

#include "emulator/interpreter/interpreter.h"
#include "helpers/kernel_objects.h"
#include "helpers/machine.h"

namespace drydock {

class BareMachine : public Machine {
 public:
  BareMachine(Memory& memory, const Profile& profile)
      : Machine(memory, profile), objects_(memory, nullptr) {}
  const CallSite& call_site() const override { return site_; }
  Map* map_at(uint64_t) override { return nullptr; }
  const Executable* tail_call_target(uint64_t map, uint32_t index) override {
    auto found = tail_targets.find({map, index});
    return found == tail_targets.end() ? nullptr : found->second;
  }
  std::optional<uint64_t> load_packet(uint64_t context, int32_t offset, unsigned size) override {
    if (packet.empty()) return Machine::load_packet(context, offset, size);
    if (offset < 0 || offset + size > packet.size()) return std::nullopt;
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value = value << 8 | packet[offset + i];
    return value;
  }
  uint64_t clock_ns(Clock) override { return 0; }
  uint32_t random() override { return 0; }
  uint32_t cpu() const override { return 0; }
  uint32_t cpu_count() const override { return 1; }
  uint64_t current_task() override { return 0; }
  KernelObjects& objects() override { return objects_; }
  void write(Output, std::string_view text) override { written += text; }
  void effect(std::string_view, uint64_t) override {}

  std::map<std::pair<uint64_t, uint32_t>, const Executable*> tail_targets;
  std::string packet;
  std::string written;

 private:
  CallSite site_;
  KernelObjects objects_;
};

/// Helpers by number, from a table that a test fills; kfuncs by BTF id.
class TableCalls : public CallResolver {
 public:
  Callee helper(uint32_t id) const override { return find(helpers, id, "helper"); }
  Callee kfunc(const isa::Insn& insn) const override {
    return find(kfuncs, static_cast<uint32_t>(insn.imm), "kfunc");
  }
  std::map<uint32_t, HelperFunction> helpers, kfuncs;

 private:
  static Callee find(const std::map<uint32_t, HelperFunction>& table, uint32_t id,
                     const char* kind) {
    auto found = table.find(id);
    return {found == table.end() ? nullptr : found->second, fmt::format("{} {}", kind, id)};
  }
};

}  // namespace drydock
