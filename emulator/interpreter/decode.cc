// SPDX-License-Identifier: Apache-2.0
// Instructions to operations: everything that can be known before the first run is settled here.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/interpreter/executable.h"
#include "emulator/interpreter/ops.h"
#include "isa/encoding.h"
#include "isa/opcodes.h"

namespace drydock {

using isa::Form;
using isa::Insn;
using isa::OpcodeRow;

namespace {

constexpr uint8_t kNoRegister = 0xff;
constexpr uint32_t kTailCallHelper = 12;

constexpr Operation as_operation(isa::Opcode opcode) { return static_cast<Operation>(opcode); }

/// The variants of an operation whose dst or src is the register written last; kCount for none.
struct CachedVariants {
  Operation dst = Operation::kCount, src = Operation::kCount;
};

constexpr auto make_cached_variants() {
  std::array<CachedVariants, static_cast<size_t>(Operation::kCount)> all = {};
#define SPECIAL(id)
#define CACHED_DST(id) all[static_cast<size_t>(Operation::id)].dst = Operation::id##Dst;
#define CACHED_SRC(id) all[static_cast<size_t>(Operation::id)].src = Operation::id##Src;
#include "emulator/interpreter/ops.def"
#undef SPECIAL
#undef CACHED_DST
#undef CACHED_SRC
  for (size_t i = 0; i < 4; ++i) {
    const auto at = [i](Operation first) {
      return static_cast<Operation>(static_cast<size_t>(first) + i);
    };
    all[static_cast<size_t>(at(Operation::kStackStore8))].src = at(Operation::kStackStore8Src);
  }
  return all;
}
constexpr auto kCachedVariants = make_cached_variants();

uint8_t log2_size(uint8_t code) {
  switch (isa::insn_size(code)) {
    case isa::kB: return 0;
    case isa::kH: return 1;
    case isa::kW: return 2;
    default: return 3;
  }
}

/// A memory access at a constant offset from r10 that stays within the frame.
bool in_frame(unsigned base, int off, uint8_t code) {
  return base == isa::kFramePointer && off >= -isa::kMaxStackBytes &&
         off + isa::size_in_bytes(code) <= 0;
}

Operation sized(Operation first, uint8_t code) {
  return static_cast<Operation>(static_cast<size_t>(first) + log2_size(code));
}

}  // namespace

/// Fills one executable.
class Decoder {
 public:
  Decoder(Executable& program, const CallResolver& calls) : program_(program), calls_(calls) {}

  Status run() {
    const auto& insns = program_.image_.insns;
    index_operations();
    find_leaders();
    const size_t count = program_.insn_of_op_.size();
    program_.ops_ = std::make_unique<Op[]>(count + 1);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t at = program_.insn_of_op_[i];
      if (leader_[at]) cached_ = kNoRegister;
      if (Status done = decode(at, insns[at], program_.ops_[i]); !done) return done;
    }
    finish(program_.ops_[count], Operation::kPastEnd);
    program_.entries_ = std::move(leader_);
    return {};
  }

 private:
  void index_operations() {
    const auto& insns = program_.image_.insns;
    program_.op_of_insn_.assign(insns.size(), Executable::kNoOp);
    for (uint32_t i = 0; i < insns.size(); ++i) {
      program_.op_of_insn_[i] = static_cast<uint32_t>(program_.insn_of_op_.size());
      program_.insn_of_op_.push_back(i);
      if (isa::is_ld_imm64(insns[i])) ++i;
    }
  }

  /// Marks the instructions that can be reached otherwise than from the one before.
  void find_leaders() {
    const auto& insns = program_.image_.insns;
    leader_.assign(insns.size(), false);
    leader_[0] = true;
    const auto& catcher = program_.image_.exception_callback;
    if (catcher && *catcher < insns.size()) leader_[*catcher] = true;
    for (uint32_t i : program_.insn_of_op_) {
      const OpcodeRow& row = *isa::find_row(insns[i]);
      if (row.is_jump()) leader_[i + 1 + distance(insns[i], row)] = true;
      if (row.id == isa::Opcode::kLoadFunc) {
        const int64_t target = int64_t{i} + 1 + insns[i].imm;
        if (target >= 0 && target < std::ssize(insns)) leader_[target] = true;
      }
      // callx may go anywhere: nothing is known about any instruction then.
      if (row.form == Form::kCallReg) leader_.assign(insns.size(), true);
    }
  }

  static int32_t distance(const Insn& insn, const OpcodeRow& row) {
    return row.is_branch_in_imm() ? insn.imm : insn.off;
  }

  const InsnNote* note_at(uint32_t at) {
    const auto& notes = program_.image_.notes;
    while (next_note_ < notes.size() && notes[next_note_].insn < at) ++next_note_;
    return next_note_ < notes.size() && notes[next_note_].insn == at ? &notes[next_note_] : nullptr;
  }

  void finish(Op& op, Operation operation) {
    op.handler = handlers_[static_cast<size_t>(operation)];
    op.hint = program_.memory_->nowhere();
  }

  /// Picks the variant that reads the cached value, where there is one.
  Operation cached_variant(Operation operation, const Op& op) const {
    if (cached_ == kNoRegister) return operation;
    const CachedVariants& variants = kCachedVariants[static_cast<size_t>(operation)];
    if (variants.dst != Operation::kCount && op.dst == cached_) return variants.dst;
    if (variants.src != Operation::kCount && op.src == cached_) return variants.src;
    return operation;
  }

  Status decode(uint32_t at, Insn insn, Op& op) {
    const OpcodeRow& row = *isa::find_row(insn);
    const InsnNote* note = note_at(at);
    Operation operation = as_operation(row.id);
    op.dst = insn.dst;
    op.src = insn.src;
    op.imm = insn.imm;
    op.off = insn.off;
    switch (row.form) {
      case Form::kLoadReg:
      case Form::kStoreReg:
      case Form::kStoreImm: operation = memory_access(insn, row, note, op); break;
      case Form::kLockOp:
      case Form::kFetchOp:
      case Form::kCompareOp:
      case Form::kLoadAcquire:
      case Form::kStoreRelease:
        op.aux = log2_size(insn.code);
        if (note && note->kind == InsnNote::Kind::kArena) operation = Operation::kArenaAtomic;
        break;
      case Form::kLoadImm64: operation = load_imm64(at, insn, note, op); break;
      case Form::kGoto:
      case Form::kGotoLong:
      case Form::kBranchReg:
      case Form::kBranchImm:
      case Form::kCallSubprog: jump(at, distance(insn, row), op); break;
      case Form::kCallHelper:
      case Form::kCallKfunc: operation = function_call(at, insn, op); break;
      case Form::kByteOrder:
        if (row.id == isa::Opcode::kLe64) operation = Operation::kNop;
        break;
      case Form::kCast:
        if (auto cast = address_cast(at, insn, op)) operation = *cast;
        else return std::unexpected(std::move(cast.error()));
        break;
      default: break;
    }
    finish(op, cached_variant(operation, op));
    note_written(insn, row, operation);
    return {};
  }

  void note_written(const Insn& insn, const OpcodeRow& row, Operation operation) {
    if (operation == Operation::kNop) return;
    if (operation == Operation::kArenaAtomic) {
      cached_ = kNoRegister;
    } else if (row.writes_dst()) {
      cached_ = insn.dst;
    } else if (row.form == Form::kFetchOp) {
      cached_ = insn.src;
    } else if (row.form == Form::kCompareOp || row.form == Form::kPacketAbs ||
               row.form == Form::kPacketInd || operation == Operation::kCallFunction) {
      cached_ = 0;
    } else if (isa::insn_op(insn.code) == isa::kCall && isa::insn_class(insn.code) == isa::kJmp) {
      cached_ = kNoRegister;
    }
  }

  static Operation memory_access(Insn& insn, const OpcodeRow& row, const InsnNote* note, Op& op) {
    const bool load = row.form == Form::kLoadReg;
    bool sign = isa::insn_mode(insn.code) == isa::kMemsx;
    if (note && note->kind == InsnNote::Kind::kField) {
      insn.off = static_cast<int16_t>(note->offset);
      const uint8_t size = note->size == 8   ? isa::kDw
                           : note->size == 4 ? isa::kW
                           : note->size == 2 ? isa::kH
                                             : isa::kB;
      insn.code = static_cast<uint8_t>((insn.code & ~0x18) | size);
      op.off = note->offset;
      if (sign && size == isa::kDw) {  // nothing left to extend
        sign = false;
        insn.code = isa::kLdx | isa::kMem | isa::kDw;
      }
    }
    op.aux = static_cast<uint8_t>(log2_size(insn.code) | (sign ? kAuxSigned : 0));
    if (note && note->kind == InsnNote::Kind::kProbeLoad && load) return Operation::kProbeLoad;
    if (note && note->kind == InsnNote::Kind::kArena) {
      return load                          ? Operation::kArenaLoad
             : row.form == Form::kStoreReg ? Operation::kArenaStore
                                           : Operation::kArenaStoreImm;
    }
    if (!sign && in_frame(load ? insn.src : insn.dst, op.off, insn.code)) {
      return sized(load                          ? Operation::kStackLoad8
                   : row.form == Form::kStoreReg ? Operation::kStackStore8
                                                 : Operation::kStackStoreImm8,
                   insn.code);
    }
    return as_operation(isa::find_row(insn)->id);
  }

  Operation load_imm64(uint32_t at, const Insn& insn, const InsnNote* note, Op& op) const {
    const uint64_t high = static_cast<uint32_t>(program_.image_.insns[at + 1].imm);
    op.imm = static_cast<int64_t>(high << 32 | static_cast<uint32_t>(insn.imm));
    if (insn.src == isa::kPseudoFunc) {
      op.imm = static_cast<int64_t>(program_.function_address(at + 1 + insn.imm));
    }
    if (note && note->kind == InsnNote::Kind::kImmediate)
      op.imm = static_cast<int64_t>(note->value);
    return Operation::kLoadImm64;
  }

  void jump(uint32_t at, int32_t insns, Op& op) const {
    const int64_t from = program_.op_of_insn_[at];
    const int64_t to = program_.op_of_insn_[at + 1 + insns];
    op.off = static_cast<int32_t>((to - from - 1) * static_cast<int64_t>(sizeof(Op)));
  }

  Operation function_call(uint32_t at, const Insn& insn, Op& op) const {
    op.off = static_cast<int32_t>(at);
    if (insn.src == 0 && static_cast<uint32_t>(insn.imm) == kTailCallHelper)
      return Operation::kTailCall;
    Callee callee =
        insn.src == 0 ? calls_.helper(static_cast<uint32_t>(insn.imm)) : calls_.kfunc(insn);
    if (callee.name.empty()) {
      callee.name = fmt::format("{}#{}", insn.src == 0 ? "helper" : "kfunc", insn.imm);
    }
    program_.callee_names_.emplace_back(at, std::move(callee.name));
    op.function = callee.function;
    return callee.function ? Operation::kCallFunction : Operation::kCallNotModelled;
  }

  Result<Operation> address_cast(uint32_t at, const Insn& insn, Op& op) const {
    const auto& arena = program_.image_.arena;
    if (!arena)
      return malformed(fmt::format("instruction {}: addr_space_cast without an arena", at));
    constexpr int32_t kToKernel = 1, kToUser = 1 << 16;
    if (insn.imm != kToKernel && insn.imm != kToUser) {
      return malformed(fmt::format("instruction {}: addr_space_cast between unknown spaces", at));
    }
    if (insn.imm == kToKernel || !arena->user_conversion) return Operation::kMov32Reg;
    op.imm = static_cast<int64_t>(arena->user_base & 0xffffffff00000000);
    return Operation::kCastToUser;
  }

  Executable& program_;
  const CallResolver& calls_;
  const void* const* handlers_ = operation_handlers();
  std::vector<bool> leader_;
  size_t next_note_ = 0;
  uint8_t cached_ = kNoRegister;  // the register that holds what was written last
};

Executable::Executable(ProgramImage image) : image_(std::move(image)) {}

Executable::~Executable() {
  if (code_) memory_->free(code_);
}

Result<std::unique_ptr<Executable>> Executable::create(ProgramImage image,
                                                       const CallResolver& calls, Memory& memory) {
  if (Status sound = isa::check_program(image.insns); !sound) {
    return std::unexpected(std::move(sound.error()));
  }
  if (image.insns.size() > INT32_MAX / sizeof(Op)) return malformed("too many instructions");
  std::unique_ptr<Executable> program(new Executable(std::move(image)));
  program->memory_ = &memory;
  program->code_ = memory.allocate({.kind = RegionKind::kCode,
                                    .size = 8 * program->image_.insns.size(),
                                    .name = "code of " + program->image_.name});
  std::sort(program->image_.notes.begin(), program->image_.notes.end(),
            [](const InsnNote& a, const InsnNote& b) { return a.insn < b.insn; });
  for (uint32_t id : program->image_.callx_helpers) {
    program->callx_helpers_.emplace_back(id, calls.helper(id).function);
  }
  if (Status done = Decoder(*program, calls).run(); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return program;
}

const Op* Executable::function_at(uint64_t address) const {
  const uint64_t offset = address - code_->base;
  if (offset % 8 != 0 || offset / 8 >= op_of_insn_.size()) return nullptr;
  const uint32_t op = op_of_insn_[offset / 8];
  return op == kNoOp || !entries_[offset / 8] ? nullptr : &ops_[op];
}

HelperFunction Executable::callx_helper(uint64_t number) const {
  for (const auto& [id, function] : callx_helpers_) {
    if (id == number) return function;
  }
  return nullptr;
}

uint32_t Executable::insn_of(const Op* op) const {
  const size_t index = static_cast<size_t>(op - ops_.get());
  return index < insn_of_op_.size() ? insn_of_op_[index]
                                    : static_cast<uint32_t>(image_.insns.size());
}

const std::string& Executable::callee_name(uint32_t insn) const {
  auto found = std::lower_bound(callee_names_.begin(), callee_names_.end(), insn,
                                [](const auto& entry, uint32_t at) { return entry.first < at; });
  static const std::string kNone;
  return found != callee_names_.end() && found->first == insn ? found->second : kNone;
}

}  // namespace drydock
