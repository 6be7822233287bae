// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/mutate.h"

#include <algorithm>

#include "contexts/program_rules.h"
#include "tests/fuzz/edit.h"

namespace drydock::fuzz {
namespace {

constexpr size_t kMaxInsns = 20'000;

bool is_memory(const isa::Insn& insn) {
  const uint8_t cls = isa::insn_class(insn.code);
  return cls == isa::kLdx || cls == isa::kSt || cls == isa::kStx;
}
bool is_alu(const isa::Insn& insn) {
  const uint8_t cls = isa::insn_class(insn.code);
  return cls == isa::kAlu || cls == isa::kAlu64;
}
bool is_jump(const isa::Insn& insn) {
  const uint8_t cls = isa::insn_class(insn.code);
  return cls == isa::kJmp || cls == isa::kJmp32;
}
/// Second half of an LD_IMM64.
bool is_continuation(const ProgramInput& program, size_t at) {
  return at > 0 && isa::is_ld_imm64(program.insns[at - 1]);
}
/// What names a map, a variable or a function by a descriptor or an id.
bool names_something(const isa::Insn& insn) { return isa::is_ld_imm64(insn) && insn.src != 0; }

/// Whether BPF_PROG_LOAD gets past what it checks of the attributes before it verifies.
bool reaches_verifier(ProgramInput& program) {
  program.expected_attach_type = stored_attach_type(program.type, program.expected_attach_type);
  const ProgramRules* rules = program_rules(program.type);
  if (!rules || !accepts_attach_type(program.type, program.expected_attach_type)) return false;
  return !program.attach_btf_id || rules->attaches_by_btf;
}

size_t length_at(const ProgramInput& program, size_t at) {
  return isa::is_ld_imm64(program.insns[at]) && at + 1 < program.insns.size() ? 2 : 1;
}

}  // namespace

int32_t Mutator::number() {
  const auto bits = static_cast<uint32_t>(random_());
  switch (pick(8)) {
    case 0: return static_cast<int32_t>(bits);
    case 1: return static_cast<int32_t>(0x80000000u + bits % 5 - 2);
    case 2: return 1 << bits % 31;
    case 3: return (1 << bits % 31) - 1;
    case 4: return -static_cast<int32_t>(bits % 70);
    default: return static_cast<int32_t>(bits % 70);
  }
}

void Mutator::change_immediate(isa::Insn& insn) {
  switch (pick(4)) {
    case 0: insn.imm = number(); break;
    case 1:
      insn.imm = static_cast<int32_t>(static_cast<uint32_t>(insn.imm) ^ 1u << pick(32));
      break;
    default:
      insn.imm = static_cast<int32_t>(static_cast<uint32_t>(insn.imm) +
                                      (pick(2) ? 1 : -1) * (1u << pick(5)));
  }
}

void Mutator::change_offset(ProgramInput& program, size_t at) {
  isa::Insn& insn = program.insns[at];
  if (is_jump(insn) && !once_in(8)) {
    // To some instruction near by, backwards too.
    const int64_t size = static_cast<int64_t>(program.insns.size());
    const int64_t target = std::clamp<int64_t>(
        static_cast<int64_t>(at) + static_cast<int64_t>(pick(40)) - 12, 0, size - 1);
    insn.off = static_cast<int16_t>(target - static_cast<int64_t>(at) - 1);
    return;
  }
  constexpr int kSteps[] = {1, -1, 2, 4, -4, 8, -8, 8, -8, 16, -16, 64, -512};
  insn.off = once_in(10) ? static_cast<int16_t>(random_())
                         : static_cast<int16_t>(insn.off + kSteps[pick(std::size(kSteps))]);
}

void Mutator::change_register(isa::Insn& insn) {
  const auto number = static_cast<uint8_t>(once_in(60) ? pick(16) : pick(11));
  if (pick(2)) insn.dst = number & 15;
  else insn.src = number & 15;
}

void Mutator::change_operation(isa::Insn& insn) {
  if (once_in(25)) insn.code = static_cast<uint8_t>(random_());
  else if (once_in(3)) insn.code ^= isa::kX;
  else if (is_alu(insn) && pick(2)) insn.code ^= isa::kAlu ^ isa::kAlu64;
  else if (is_jump(insn) && pick(2)) insn.code ^= isa::kJmp ^ isa::kJmp32;
  else insn.code = static_cast<uint8_t>((insn.code & 0x0f) | pick(15) << 4);
}

void Mutator::change_size(isa::Insn& insn) {
  if (!is_memory(insn)) return change_operation(insn);
  if (pick(4)) {
    insn.code = static_cast<uint8_t>((insn.code & ~0x18) | pick(4) << 3);
  } else {
    constexpr uint8_t kModes[] = {isa::kMem, isa::kMemsx, isa::kAtomic};
    insn.code = static_cast<uint8_t>((insn.code & ~0xe0) | kModes[pick(3)]);
    constexpr int32_t kAtomics[] = {0, 1, 0x40, 0x41, 0x50, 0xa0, 0xe1, 0xf1, 0x100, 0x110};
    if (isa::insn_mode(insn.code) == isa::kAtomic) insn.imm = kAtomics[pick(std::size(kAtomics))];
  }
}

/// Another helper; or a call that the program makes elsewhere.
void Mutator::change_call(ProgramInput& program, size_t at) {
  isa::Insn& insn = program.insns[at];
  if (pick(2) && isa::is_helper_call(insn)) {
    insn.imm = static_cast<int32_t>(pick(212));
    return;
  }
  std::vector<isa::Insn> calls;
  for (const isa::Insn& other : program.insns)
    if (isa::is_helper_call(other) || isa::is_kfunc_call(other)) calls.push_back(other);
  if (!calls.empty() && !isa::is_subprog_call(insn)) insn = calls[pick(calls.size())];
}

isa::Insn Mutator::new_insn() {
  constexpr uint8_t kOps[] = {isa::kAdd, isa::kSub, isa::kMul, isa::kOr,   isa::kAnd, isa::kLsh,
                              isa::kRsh, isa::kXor, isa::kMov, isa::kArsh, isa::kMod};
  isa::Insn insn;
  insn.dst = pick(10) & 15;
  insn.src = pick(11) & 15;
  const auto size = static_cast<uint8_t>(pick(4) << 3);
  switch (pick(6)) {
    case 0:
    case 1:
      insn.code =
          static_cast<uint8_t>((pick(2) ? isa::kAlu64 : isa::kAlu) | kOps[pick(std::size(kOps))]);
      if (pick(2)) insn.code |= isa::kX;
      else insn.src = 0, insn.imm = number();
      break;
    case 2:
      insn.code = static_cast<uint8_t>((pick(2) ? isa::kJmp : isa::kJmp32) | (1 + pick(13)) << 4);
      if (isa::insn_op(insn.code) == isa::kCall || isa::insn_op(insn.code) == isa::kExit)
        insn.code = isa::kJmp | isa::kJeq;
      insn.src = 0;
      insn.imm = number();
      insn.off = static_cast<int16_t>(pick(6));
      break;
    case 3:
      insn = {.code = static_cast<uint8_t>(isa::kStx | isa::kMem | size),
              .dst = 10,
              .src = insn.src,
              .off = static_cast<int16_t>(-8 * static_cast<int>(1 + pick(10)))};
      break;
    case 4:
      insn.code = static_cast<uint8_t>(isa::kLdx | isa::kMem | size);
      insn.off = insn.src == 10 ? static_cast<int16_t>(-8 * static_cast<int>(1 + pick(10)))
                                : static_cast<int16_t>(4 * pick(12));
      break;
    default:
      insn = {.code = static_cast<uint8_t>(isa::kSt | isa::kMem | size),
              .dst = 10,
              .src = 0,
              .off = static_cast<int16_t>(-8 * static_cast<int>(1 + pick(10))),
              .imm = number()};
  }
  return insn;
}

void Mutator::add_insns(ProgramInput& program, const ProgramInput& donor) {
  if (program.insns.size() > kMaxInsns) return;
  size_t at = pick(program.insns.size());
  if (is_continuation(program, at)) ++at;
  std::vector<isa::Insn> added;
  if (pick(2)) {
    for (uint64_t n = 1 + pick(3); n > 0; --n) added.push_back(new_insn());
  } else {
    // From the donor, up to where it names what this program does not have.
    size_t from = pick(donor.insns.size());
    if (is_continuation(donor, from)) ++from;
    for (uint64_t n = 1 + pick(12); n > 0 && from < donor.insns.size(); --n) {
      const size_t length = length_at(donor, from);
      if (names_something(donor.insns[from]) || isa::is_kfunc_call(donor.insns[from])) break;
      for (size_t i = 0; i < length; ++i) added.push_back(donor.insns[from + i]);
      from += length;
    }
  }
  insert_insns(program, std::min(at, program.insns.size()), added);
}

void Mutator::change_attributes(ProgramInput& program) {
  constexpr uint32_t kFlags[] = {kProgTestStateFreq, kProgTestStateFreq, kProgStrictAlignment,
                                 kProgTestRegInvariants, kProgSleepable};
  const ProgramType type = program.type;
  const AttachType attach = program.expected_attach_type;
  switch (pick(8)) {
    case 0: program.license = program.license == "GPL" ? "Proprietary" : "GPL"; break;
    case 1: program.type = static_cast<ProgramType>(1 + pick(32)); break;
    case 2: program.expected_attach_type = static_cast<AttachType>(pick(58)); break;
    default: program.flags ^= kFlags[pick(std::size(kFlags))];
  }
  if (reaches_verifier(program)) return;
  program.type = type;
  program.expected_attach_type = attach;
}

void Mutator::change(ProgramInput& program, const ProgramInput& donor) {
  if (program.insns.empty()) return;
  size_t at = pick(program.insns.size());
  if (is_continuation(program, at) && !once_in(20)) --at;
  isa::Insn& insn = program.insns[at];
  const bool named = names_something(insn);
  switch (pick(16)) {
    case 0:
    case 1:
      if (!named) return change_immediate(insn);
      break;
    case 2:
    case 3: return change_offset(program, at);
    case 4:
    case 5: return change_register(insn);
    case 6:
      if (!named || once_in(10)) return change_operation(insn);
      break;
    case 7: return change_size(insn);
    case 8:
      if (isa::is_call(insn)) return change_call(program, at);
      if (is_jump(insn)) return change_operation(insn);
      break;
    case 9:
    case 10:
      if (program.insns.size() > 2) return erase_insns(program, at, length_at(program, at));
      break;
    case 11:
      if (at + 1 < program.insns.size() && !isa::is_ld_imm64(insn))
        std::swap(insn, program.insns[at + 1]);
      return;
    case 12: {
      const size_t other = pick(program.insns.size());
      if (length_at(program, other) == 1 && !isa::is_ld_imm64(insn)) insn = program.insns[other];
      return;
    }
    case 13:
    case 14: return add_insns(program, donor);
    default: return change_attributes(program);
  }
  change_register(insn);
}

void Mutator::mutate(ProgramInput& program, const ProgramInput& donor) {
  // Mostly one or two: each further change makes it likelier that the program falls early.
  uint64_t changes = 1;
  while (changes < 8 && once_in(2)) ++changes;
  for (; changes > 0; --changes) change(program, donor);
}

}  // namespace drydock::fuzz
