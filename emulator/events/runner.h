// SPDX-License-Identifier: Apache-2.0
// Makes loaded programs runnable in a world and runs them: what an instruction names by descriptor
// becomes an address of the emulated memory, calls become functions, and what the verifier noted
// (loads that may fault, arena accesses) becomes notes of the executable.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "emulator/interpreter/executable.h"
#include "emulator/interpreter/interpreter.h"
#include "emulator/objects/world.h"
#include "emulator/syscall/objects.h"

namespace drydock {

class ArenaMap;  // maps/arena_map.h

/// One program run by an event.
struct ProgramRun {
  std::string program;
  RunReport report;
};

class Runner {
 public:
  explicit Runner(World& world) : world_(world), interpreter_(world) {
    world_.set_tail_calls([this](void* program) { return tail_call(program); });
  }

  World& world() { return world_; }
  void set_limits(RunLimits limits) { limits_ = limits; }

  /// The executable of a program, made at first use.
  Result<const Executable*> prepare(const std::shared_ptr<ProgramObject>& program);
  /// Runs it with r1 = context. A program that cannot be prepared is an error; one that faults has
  /// that in its report.
  Result<ProgramRun> run(const std::shared_ptr<ProgramObject>& program, uint64_t context);

 private:
  class Calls;
  /// Tells the world which program runs from now on.
  void enter(const ProgramObject& program);
  const Executable* tail_call(void* program);
  /// What the analysis and the program's maps say about its instructions; its arena, if it has one.
  Result<std::vector<InsnNote>> notes_of(const ProgramObject& program, ArenaMap** arena);
  Result<uint64_t> variable(const ProgramObject& program, const isa::Insn& insn, uint32_t high);

  World& world_;
  Interpreter interpreter_;
  RunLimits limits_;
  std::map<const ProgramObject*, std::unique_ptr<Executable>> executables_;
  std::map<const ProgramObject*, ArenaMap*> arenas_;
  std::vector<std::shared_ptr<ProgramObject>> kept_;               // those with an executable
  std::map<std::pair<const Btf*, uint32_t>, uint64_t> variables_;  // kernel variables by BTF id
};

}  // namespace drydock
