// SPDX-License-Identifier: Apache-2.0
// Everything of the interpreter but its loop: starting, frames, reports, and the loop's slow paths.
#include "emulator/interpreter/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "emulator/interpreter/alu.h"
#include "emulator/interpreter/ops.h"

namespace drydock {

const char* name_of(Stop stop) {
  switch (stop) {
    case Stop::kExit: return "exit";
    case Stop::kFault: return "fault";
    case Stop::kBudget: return "instruction budget";
    case Stop::kCallDepth: return "call depth";
    case Stop::kBadJump: return "bad jump";
    case Stop::kUnsupported: return "unsupported";
  }
  return "";
}

Interpreter::Interpreter(Machine& machine) : machine_(machine), memory_(machine.memory()) {
  for (size_t i = 0; i < stacks_.size(); ++i) {
    stacks_[i] = memory_.allocate({.kind = RegionKind::kStack,
                                   .size = isa::kMaxStackBytes,
                                   .name = fmt::format("stack frame {}", i)});
    if (i > 0) memory_.suspend(stacks_[i]);
  }
}

Interpreter::~Interpreter() {
  for (Region* stack : stacks_) {
    if (!stack->live) memory_.resume(stack);
    memory_.free(stack);
  }
}

RunReport Interpreter::run(const Executable& program, std::span<const uint64_t> args,
                           RunLimits limits) {
  return start(program, program.entry(), args, limits);
}

RunReport Interpreter::run_function(const Executable& program, uint64_t function,
                                    std::span<const uint64_t> args, RunLimits limits) {
  if (const Op* op = program.function_at(function)) return start(program, op, args, limits);
  RunReport report{.stop = Stop::kBadJump, .program = program.name()};
  report.message = fmt::format("{:#x} is no function of {}", function, program.name());
  return report;
}

RunReport Interpreter::start(const Executable& program, const Op* op,
                             std::span<const uint64_t> args, RunLimits limits) {
  assert(&program.memory() == &memory_);
  limits_ = limits;
  program_ = &program;
  spent_ = 0;
  tail_calls_ = 0;
  zeroed_ = 0;
  for (depth_ = isa::kMaxCallFrames - 1; depth_ > 0; --depth_) memory_.suspend(stacks_[depth_]);
  stopped_.reset();
  machine_.clear_interrupt();
  CallbackRunner* const outer = machine_.set_runner(this);

  std::array<uint64_t, isa::kMaxRegisters> regs = {};
  std::copy_n(args.begin(), std::min<size_t>(args.size(), 5), regs.begin() + 1);
  frames_[0] = {.program = program_, .may_goto_left = limits.may_goto};
  enter_stack(regs.data());
  bool finished = execute(this, op, regs.data(), nullptr);
  if (!finished && machine_.interrupt() == Interrupt::kThrow)
    finished = catch_exception(regs.data());

  machine_.set_runner(outer);
  machine_.clear_interrupt();
  return report(finished, regs[0]);
}

bool Interpreter::catch_exception(uint64_t* regs) {
  machine_.clear_interrupt();
  for (; depth_ > 0; --depth_) memory_.suspend(stacks_[depth_]);
  const uint64_t cookie = machine_.pending_cookie();
  const auto& catcher = program_->image().exception_callback;
  if (!catcher) {
    regs[0] = cookie;
    return true;
  }
  const Op* op = program_->function_at(program_->function_address(*catcher));
  if (!op) {
    stop(Stop::kBadJump, program_->entry(), "the exception callback is no function");
    return false;
  }
  std::fill_n(regs, isa::kMaxRegisters, 0);
  regs[1] = cookie;
  enter_stack(regs);
  return execute(this, op, regs, nullptr);
}

std::optional<uint64_t> Interpreter::call(uint64_t function, std::span<const uint64_t, 5> args) {
  if (machine_.interrupt() != Interrupt::kNone) return std::nullopt;
  const Executable* const caller = program_;
  const Op* const op = program_->function_at(function);
  if (!op) {
    stop(Stop::kBadJump, nullptr,
         fmt::format("callback {:#x} is no function of the program", function));
    return std::nullopt;
  }
  std::array<uint64_t, isa::kMaxRegisters> regs = {};
  std::copy(args.begin(), args.end(), regs.begin() + 1);
  if (!push_frame(nullptr, regs.data())) {
    stop(Stop::kCallDepth, nullptr, "more than 8 frames of calls");
    return std::nullopt;
  }
  if (!execute(this, op, regs.data(), nullptr)) return std::nullopt;
  const uint64_t result = regs[0];
  pop_frame(regs.data());
  program_ = caller;
  return result;
}

RunReport Interpreter::report(bool finished, uint64_t r0) {
  RunReport report;
  if (!finished && stopped_) report = std::move(*stopped_);
  report.return_value = finished ? r0 : 0;
  report.insns_executed = spent_;
  report.tail_calls = tail_calls_;
  return report;
}

// -- Frames

void Interpreter::enter_stack(uint64_t* regs) {
  Region* stack = stacks_[depth_];
  if (depth_ >= zeroed_) {
    std::memset(stack->host, 0, isa::kMaxStackBytes);
    zeroed_ = depth_ + 1;
  }
  if (!stack->live) memory_.resume(stack);
  regs[isa::kFramePointer] = stack->end();
}

bool Interpreter::push_frame(const Op* return_to, uint64_t* regs) {
  if (depth_ + 1 >= frames_.size()) return false;
  Frame& frame = frames_[++depth_];
  frame.return_to = return_to;
  frame.program = program_;
  std::copy_n(regs + 6, frame.saved.size(), frame.saved.begin());
  frame.may_goto_left = limits_.may_goto;
  enter_stack(regs);
  return true;
}

void Interpreter::pop_frame(uint64_t* regs) {
  const Frame& frame = frames_[depth_];
  program_ = frame.program;
  std::copy(frame.saved.begin(), frame.saved.end(), regs + 6);
  memory_.suspend(stacks_[depth_]);
  --depth_;
  regs[isa::kFramePointer] = stacks_[depth_]->end();
}

intptr_t Interpreter::stretch_left() const {
  constexpr uint64_t kMost = INTPTR_MAX / sizeof(Op) / 2;
  const uint64_t left = limits_.instructions > spent_ ? limits_.instructions - spent_ : 0;
  return static_cast<intptr_t>(std::min(left, kMost) * sizeof(Op));
}

// -- Stopping

void Interpreter::stop(Stop why, const Op* op, std::string message) {
  machine_.stop();
  if (stopped_) return;
  RunReport& report = stopped_.emplace();
  report.stop = why;
  report.program = program_->name();
  report.insn = op ? program_->insn_of(op) : machine_.instruction();
  for (uint32_t i = depth_; i > 0; --i) {
    const Frame& frame = frames_[i];
    if (frame.return_to) report.callers.push_back(frame.program->insn_of(frame.return_to - 1));
  }
  if (why == Stop::kBudget) {
    message = fmt::format("still running after {} instructions", limits_.instructions);
  }
  report.message = fmt::format("{}: instruction {}: {}", report.program, report.insn, message);
}

void Interpreter::stop_fault(const Op* op, uint64_t address, unsigned size, Access access) {
  // Programs may read the kernel's struct of a map; of that nothing is modelled.
  const Region* region = memory_.find(address);
  if (region && region->kind == RegionKind::kOpaque && access == Access::kRead)
    machine_.unsupported("reading the fields of " + std::string(memory_.name_of(*region)));
  machine_.fault(memory_.explain(address, size, access));
  stop_interrupted(op);
}

void Interpreter::stop_interrupted(const Op* op) {
  if (stopped_) return;
  switch (machine_.interrupt()) {
    case Interrupt::kFault:
      stop(Stop::kFault, op, machine_.pending_fault().text());
      stopped_->fault = machine_.pending_fault();
      break;
    case Interrupt::kUnsupported:
      stop(Stop::kUnsupported, op,
           fmt::format("{} is not supported", machine_.pending_unsupported()));
      break;
    case Interrupt::kNone:
    case Interrupt::kThrow:
    case Interrupt::kStopped: break;
  }
}

// -- Memory

const Region* Interpreter::find_region(const Op& op, uint64_t address, unsigned log2_size,
                                       Access access) {
  const Region* region = memory_.find(address);
  if (!region || address - region->base >= region->spans[static_cast<size_t>(access)][log2_size]) {
    return nullptr;
  }
  op.hint = region;
  return region;
}

uint64_t Interpreter::probe(const Op& op, uint64_t address) const {
  const unsigned log2 = op.aux & kAuxSize;
  uint64_t value = memory_.probe_load(address, 1u << log2);
  if (op.aux & kAuxSigned) {
    const unsigned unused = 64 - (8u << log2);
    value = static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
  }
  return value;
}

uint64_t Interpreter::arena_address(const Op& op, uint64_t pointer) const {
  const uint64_t base = program_->image().arena ? program_->image().arena->kernel_base : 0;
  return base + static_cast<uint32_t>(pointer) + static_cast<int64_t>(op.off);
}

/// A store to a page that is not there is lost, as the kernel's exception table has it.
void Interpreter::arena_store(const Op& op, uint64_t address, uint64_t value) {
  const auto bytes = std::as_bytes(std::span(&value, 1)).first(size_t{1} << (op.aux & kAuxSize));
  (void)memory_.copy_in(address, bytes);
}

/// Returns the value that a register received, or r0's when none did.
uint64_t Interpreter::arena_atomic(const Op& op, uint64_t* regs) {
  const unsigned size = 1u << (op.aux & kAuxSize);
  const uint64_t mask = size == 8 ? UINT64_MAX : (uint64_t{1} << 8 * size) - 1;
  const auto imm = static_cast<int32_t>(op.imm);
  if (imm == isa::kLoadAcq) {
    return regs[op.dst] = memory_.probe_load(arena_address(op, regs[op.src]), size);
  }
  const uint64_t address = arena_address(op, regs[op.dst]);
  const uint64_t operand = regs[op.src];
  const uint64_t old = memory_.probe_load(address, size);
  uint64_t result = operand;
  switch (imm & ~isa::kFetch) {
    case isa::kAdd: result = old + operand; break;
    case isa::kOr: result = old | operand; break;
    case isa::kAnd: result = old & operand; break;
    case isa::kXor: result = old ^ operand; break;
    default: break;
  }
  const bool compare = imm == isa::kCmpxchg;
  if (!compare || old == (regs[0] & mask)) arena_store(op, address, result);
  if (compare) return regs[0] = old;
  if ((imm & isa::kFetch) && imm != isa::kStoreRel) return regs[op.src] = old;
  return regs[0];
}

}  // namespace drydock
