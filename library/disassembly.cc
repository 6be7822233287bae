// SPDX-License-Identifier: Apache-2.0
#include "library/disassembly.h"

#include <fmt/core.h>

#include "helpers/helper_row.h"
#include "isa/disassemble.h"

namespace drydock::api {
namespace {

class CallNames final : public isa::DisasmNames {
 public:
  explicit CallNames(const Btf* btf) : btf_(btf) {}

  std::optional<std::string> call(const isa::Insn& insn) const override {
    if (isa::is_helper_call(insn)) {
      const HelperRow* row = helper_row(static_cast<HelperId>(insn.imm));
      return row ? std::optional("bpf_" + std::string(row->name)) : std::nullopt;
    }
    if (isa::is_kfunc_call(insn) && btf_ && insn.off == 0) {
      std::string_view name = btf_->name_of(static_cast<uint32_t>(insn.imm));
      if (!name.empty()) return std::string(name);
    }
    return std::nullopt;
  }

 private:
  const Btf* btf_;
};

}  // namespace

std::vector<std::string> disassembled(const std::vector<isa::Insn>& insns, const Btf* btf) {
  CallNames names(btf);
  std::vector<std::string> lines;
  for (size_t i = 0; i < insns.size(); ++i) {
    bool wide = isa::is_ld_imm64(insns[i]);
    if (wide && i + 1 == insns.size()) {
      lines.push_back(fmt::format("{:4}: truncated 64-bit load", i));
      break;
    }
    lines.push_back(fmt::format("{:4}: {}", i, isa::disassemble(&insns[i], names)));
    i += wide;
  }
  return lines;
}

}  // namespace drydock::api
