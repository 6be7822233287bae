// SPDX-License-Identifier: Apache-2.0
// Runs executables in a Machine. Every memory access is checked against the emulated memory,
// every loop against a budget; whatever the program does, run() returns a report.
//
// Kernel's counterpart: ___bpf_prog_run() and the JITs. We differ on purpose: registers and stack
// that a program never wrote hold 0 rather than leftovers, atomics are plain operations (one
// program runs at a time), and what the verifier promised is checked again.
//
// How it works
//   Operations are run by computed goto. One machine register holds the value that was written
//   last, so that an operation that reads it at once does not wait for its store to come back
//   (ops.def). A load or store remembers the region that it touched last and checks with one
//   subtraction and one comparison against that region's span. Instructions are not counted
//   one by one: the position in the program counts them, and each taken jump corrects it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulator/interpreter/executable.h"
#include "helpers/machine.h"

namespace drydock {

enum class Stop : uint8_t {
  kExit,         // the program came to its end
  kFault,        // a bad memory access, by an instruction or by a function that it called
  kBudget,       // RunLimits::instructions were not enough
  kCallDepth,    // more than 8 frames
  kBadJump,      // ran past the last instruction, or called what is no function
  kUnsupported,  // called something that is not modelled
};
/// "exit", "fault", "instruction budget", ...
const char* name_of(Stop stop);

struct RunLimits {
  uint64_t instructions = 1'000'000'000;
  uint64_t may_goto = 8u << 20;  // how often one frame's may_goto goes on (BPF_MAX_LOOPS)
};

struct RunReport {
  Stop stop = Stop::kExit;
  uint64_t return_value = 0;  // r0; meaningless unless stop is kExit
  uint64_t insns_executed = 0;
  uint32_t tail_calls = 0;
  // Where it stopped, unless kExit.
  std::string program;  // name of the executable (a tail call changes it)
  uint32_t insn = 0;
  std::vector<uint32_t> callers;  // instructions that called the frames below, innermost first
  std::optional<Fault> fault;     // kFault
  std::string message;            // one line, for people

  bool ok() const { return stop == Stop::kExit; }
};

class Interpreter final : private CallbackRunner {
 public:
  explicit Interpreter(Machine& machine);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// Runs from the first instruction. `args` become r1, r2, ... (at most 5).
  RunReport run(const Executable& program, std::span<const uint64_t> args, RunLimits limits = {});

  /// Runs one subprogram by its address, on its own: a timer's or workqueue's callback.
  RunReport run_function(const Executable& program, uint64_t function,
                         std::span<const uint64_t> args, RunLimits limits = {});

 private:
  static constexpr uint32_t kMaxTailCalls = 33;

  /// What a call saves: where to go on, and the callee-saved registers.
  struct Frame {
    const Op* return_to = nullptr;
    const Executable* program = nullptr;
    std::array<uint64_t, 4> saved = {};  // r6 to r9
    uint64_t may_goto_left = 0;
  };

  friend const void* const* operation_handlers();
  /// The loop. Runs from `op` until the frame that it starts in exits; false when stopped early.
  /// With a null `op` it only tells where each operation's code is, and `self` may be null too.
  static bool execute(Interpreter* self, const Op* op, uint64_t* regs,
                      const void* const** handlers);

  std::optional<uint64_t> call(uint64_t function, std::span<const uint64_t, 5> args) override;
  RunReport start(const Executable& program, const Op* op, std::span<const uint64_t> args,
                  RunLimits limits);
  /// Ends every frame; what the exception's catcher returns, or its cookie where there is none.
  bool catch_exception(uint64_t* regs);
  RunReport report(bool finished, uint64_t r0);

  // The loop's slow paths.
  const Region* find_region(const Op& op, uint64_t address, unsigned log2_size, Access access);
  bool push_frame(const Op* return_to, uint64_t* regs);
  void pop_frame(uint64_t* regs);
  void enter_stack(uint64_t* regs);
  std::byte* stack_top() const { return stacks_[depth_]->host + isa::kMaxStackBytes; }
  intptr_t stretch_left() const;
  void stop(Stop why, const Op* op, std::string message);
  void stop_fault(const Op* op, uint64_t address, unsigned size, Access access);
  void stop_interrupted(const Op* op);
  uint64_t arena_address(const Op& op, uint64_t pointer) const;
  void arena_store(const Op& op, uint64_t address, uint64_t value);
  uint64_t arena_atomic(const Op& op, uint64_t* regs);
  uint64_t probe(const Op& op, uint64_t address) const;

  Machine& machine_;
  Memory& memory_;
  RunLimits limits_;
  const Executable* program_ = nullptr;  // the one whose operations run now
  uint64_t spent_ = 0;                   // instructions of finished stretches
  uint32_t tail_calls_ = 0;
  uint32_t depth_ = 0;   // frames in use, less one
  uint32_t zeroed_ = 0;  // stacks of this run that hold no leftovers
  std::array<Frame, isa::kMaxCallFrames> frames_;
  std::array<Region*, isa::kMaxCallFrames> stacks_ = {};
  std::optional<RunReport> stopped_;  // where and why, once something went wrong
};

}  // namespace drydock
