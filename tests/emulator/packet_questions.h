// SPDX-License-Identifier: Apache-2.0
// Programs that work on packets, as lines: each calls helpers with constant arguments, folds what
// they return into one number and shows it, with what the context says afterwards. The packets that
// they run on stand here too.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/uapi.h"

namespace drydock::packets {

struct PacketQuestion {
  const char* name;
  ProgramType type;
  // Steps, a line each: "HELPER ARG...", where an argument is a number, `buf` (64 bytes of the
  // stack, filled with a pattern; what a helper wrote into the first 8 counts too) or `map`; or a
  // line of assembly after '|'.
  const char* steps;
  uint32_t flags = 0;              // of BPF_PROG_TEST_RUN
  uint32_t gso_size = 0;           // given in the context
  MapType map = MapType::kUnspec;  // of 4 entries; `value` is at index 1, where there is one
  uint32_t value = 0;
};

struct NamedPacket {
  const char* name;
  std::vector<uint8_t> bytes;
};

const std::vector<PacketQuestion>& questions();
std::vector<NamedPacket> packets_for(const PacketQuestion& question);
/// Why the running kernel is not asked; "" when it is a 6.18 that answers.
std::string reason_not_to_ask();
/// The program as assembly; `map` is a descriptor.
std::string program_text(const PacketQuestion& question, int map);

}  // namespace drydock::packets
