// SPDX-License-Identifier: Apache-2.0
#include "verifier/diagnose.h"

#include <algorithm>

#include "isa/disassemble.h"
#include "isa/insn.h"
#include "verifier/cfg.h"

namespace drydock::verifier {
namespace {

struct Hint {
  std::string_view part, text;
};
constexpr Hint kHints[] = {
#define DRYDOCK_HINT(part, text) {part, text},
#include "verifier/hints.def"
#undef DRYDOCK_HINT
};

std::string hint_for(std::string_view message) {
  for (const Hint& hint : kHints)
    if (message.find(hint.part) != std::string_view::npos) return std::string(hint.text);
  return {};
}

/// Registers that an instruction reads, as a mask.
uint32_t registers_read(const isa::Insn& insn) {
  using namespace isa;
  uint8_t cls = insn_class(insn.code);
  if (cls == kLdx) return 1u << insn.src;
  if (cls == kSt) return 1u << insn.dst;
  if (cls == kStx) return (1u << insn.dst) | (1u << insn.src);
  if (cls == kLd) return 0;
  if (is_call(insn)) return 0x3e;  // r1 to r5
  if ((cls == kJmp || cls == kJmp32) && insn_op(insn.code) == kExit) return 1;
  uint32_t mask = insn_op(insn.code) == kMov && cls >= kAlu ? 0 : 1u << insn.dst;
  if (insn_source(insn.code) == kX) mask |= 1u << insn.src;
  return mask;
}

const LineInfo* line_info_at(const Env& env, uint32_t insn) {
  const LineInfo* best = nullptr;
  for (const LineInfo& info : env.program.line_info) {
    if (info.insn_off > insn) break;
    best = &info;
  }
  return best;
}

}  // namespace

Diagnostic diagnose(const Env& env) {
  Diagnostic d;
  d.message = final_error_line(env.log.text());
  d.hint = hint_for(d.message);
  bool walking = env.state != nullptr && env.insn_idx < env.code.size();
  d.insn = walking ? env.insn_idx : ~0u;
  std::vector<std::string_view> lines = log_lines(env.log.text());
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (is_walk_line(*line) && !d.lines.empty()) break;
    if (!is_walk_line(*line)) d.lines.insert(d.lines.begin(), std::string(*line));
  }
  if (!walking) return d;

  const isa::Insn& insn = env.code[env.insn_idx];
  d.insn_text = insn_text(env, env.insn_idx);
  d.insn_text.pop_back();  // its end of line
  uint32_t mask = registers_read(insn);
  const FuncState& frame = env.state->current();
  for (uint32_t r = 0; r < isa::kMaxRegisters; ++r) {
    if (!(mask >> r & 1) || frame.regs[r].type == kNotInit) continue;
    std::string text;
    append_register(text, env, frame, frame.regs[r]);
    d.registers.emplace_back("R" + std::to_string(r), std::move(text));
  }
  for (const HistoryEntry& step : env.state->history) d.path.push_back(step.insn);
  if (const LineInfo* info = line_info_at(env, env.insn_idx); info && env.program.btf) {
    d.file = env.program.btf->string_at(info->file_name_off);
    d.source = env.program.btf->string_at(info->line_off);
    d.source.erase(0, std::min(d.source.size(), d.source.find_first_not_of(" \t")));
    d.line = info->line();
    d.column = info->column();
  }
  return d;
}

}  // namespace drydock::verifier
