// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/edit.h"

#include <algorithm>

namespace drydock::fuzz {
namespace {

/// The program with `code`, where the instruction that stood at i stands at moved[i] now.
void renumber(ProgramInput& program, std::vector<isa::Insn> code, const std::vector<size_t>& moved,
              const std::vector<bool>& kept) {
  const auto size = static_cast<int64_t>(program.insns.size());
  for (size_t i = 0; i < program.insns.size(); ++i) {
    if (!kept[i]) continue;
    const Branch branch = branch_of(program, i);
    if (!branch.names || branch.target < 0 || branch.target > size) continue;
    const int64_t distance =
        static_cast<int64_t>(moved[branch.target]) - static_cast<int64_t>(moved[i]) - 1;
    isa::Insn& insn = code[moved[i]];
    if (branch.in_imm) insn.imm = static_cast<int32_t>(distance);
    else insn.off = static_cast<int16_t>(distance);
  }
  program.insns = std::move(code);
  auto renumber_records = [&](auto& records) {
    for (auto& record : records)
      if (record.insn_off < moved.size())
        record.insn_off = static_cast<uint32_t>(moved[record.insn_off]);
    // Of records that fell together the last one is that of the instruction that is left.
    auto repeated = std::unique(records.rbegin(), records.rend(),
                                [](auto& a, auto& b) { return a.insn_off == b.insn_off; });
    records.erase(records.begin(), repeated.base());
    std::erase_if(records, [&](auto& record) { return record.insn_off >= program.insns.size(); });
  };
  renumber_records(program.func_info);
  renumber_records(program.line_info);
}

}  // namespace

Branch branch_of(const ProgramInput& program, size_t at) {
  const isa::Insn& insn = program.insns[at];
  const uint8_t cls = isa::insn_class(insn.code), op = isa::insn_op(insn.code);
  const int64_t here = static_cast<int64_t>(at) + 1;
  if (isa::is_ld_imm64(insn)) return {insn.src == isa::kPseudoFunc, true, here + insn.imm};
  if (cls != isa::kJmp && cls != isa::kJmp32) return {};
  if (op == isa::kExit) return {};
  if (op == isa::kCall) return {isa::is_subprog_call(insn), true, here + insn.imm};
  if (op == isa::kJa && cls == isa::kJmp32) return {true, true, here + insn.imm};
  return {true, false, here + insn.off};
}

void erase_insns(ProgramInput& program, size_t at, size_t count) {
  const size_t size = program.insns.size();
  count = std::min(count, size - at);
  std::vector<size_t> moved(size + 1);
  std::vector<bool> kept(size, true);
  for (size_t i = 0; i <= size; ++i) moved[i] = i < at ? i : i < at + count ? at : i - count;
  for (size_t i = at; i < at + count; ++i) kept[i] = false;
  std::vector<isa::Insn> code = program.insns;
  code.erase(code.begin() + static_cast<ptrdiff_t>(at),
             code.begin() + static_cast<ptrdiff_t>(at + count));
  renumber(program, std::move(code), moved, kept);
}

void insert_insns(ProgramInput& program, size_t at, std::span<const isa::Insn> added) {
  const size_t size = program.insns.size();
  // The instruction at `at` moves, what leads to it does not.
  std::vector<size_t> moved(size + 1);
  for (size_t i = 0; i <= size; ++i) moved[i] = i < at ? i : i + added.size();
  std::vector<isa::Insn> code = program.insns;
  code.insert(code.begin() + static_cast<ptrdiff_t>(at), added.begin(), added.end());
  renumber(program, std::move(code), moved, std::vector<bool>(size, true));
  for (size_t i = 0; i < program.insns.size(); ++i) {
    if (i >= at && i < at + added.size()) continue;
    const Branch branch = branch_of(program, i);
    if (!branch.names || branch.target != static_cast<int64_t>(at + added.size())) continue;
    isa::Insn& insn = program.insns[i];
    if (branch.in_imm) insn.imm -= static_cast<int32_t>(added.size());
    else insn.off = static_cast<int16_t>(insn.off - static_cast<int16_t>(added.size()));
  }
  // A function's records belong to its first instruction, the added ones too.
  for (auto& record : program.func_info)
    if (record.insn_off == at + added.size()) record.insn_off = static_cast<uint32_t>(at);
  for (auto& record : program.line_info)
    if (record.insn_off == at + added.size()) record.insn_off = static_cast<uint32_t>(at);
}

}  // namespace drydock::fuzz
