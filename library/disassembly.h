// SPDX-License-Identifier: Apache-2.0
// Programs as text, a line an instruction.
#pragma once

#include <string>
#include <vector>

#include "isa/insn.h"
#include "kernel/btf.h"

namespace drydock::api {

/// With the names of helpers, and where `btf` is given of vmlinux's kfuncs.
std::vector<std::string> disassembled(const std::vector<isa::Insn>& insns, const Btf* btf);

}  // namespace drydock::api
