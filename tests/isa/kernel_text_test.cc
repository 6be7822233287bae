// SPDX-License-Identifier: Apache-2.0
// The disassembler against the verifier's log of the running kernel: every row of the opcode table,
// with random fields. The kernel prints an instruction before it judges it, so that most of these
// programs need not be acceptable.
#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <cstdio>
#include <random>

#include "isa/disassemble.h"
#include "isa/encoding.h"
#include "isa/opcodes.h"
#include "tests/support/host_bpf.h"

namespace drydock::isa {
namespace {

/// What the log has behind "0: ", without the state that may follow; "" when it has no such line.
std::string first_instruction(const std::string& log) {
  size_t at = log.find("0: (");
  if (at != 0 && (at == std::string::npos || log[at - 1] != '\n')) at = log.find("\n0: (");
  if (at == std::string::npos) return "";
  at = log.find('(', at);
  std::string line = log.substr(at, log.find('\n', at) - at);
  line = line.substr(0, line.find(" ; "));
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

/// Rows that the verifier takes apart before it prints anything.
bool judged_before_printing(const OpcodeRow& row) {
  return row.since.empty() || row.form == Form::kCallKfunc ||
         (row.form == Form::kLoadImm64 && row.value != 0);
}

/// 618 for Linux 6.18.
int host_release() {
  utsname name = {};
  int major = 0, minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return 0;
  return major * 100 + minor;
}

struct HelperOne : DisasmNames {
  std::optional<std::string> call(const Insn&) const override { return "bpf_map_lookup_elem"; }
};

TEST(KernelText, TheVerifierPrintsEveryRowAsWeDo) {
  if (const std::string why = test::host_unavailable(); !why.empty())
    GTEST_SKIP() << "skipped: " << why;
  std::mt19937 random(3);
  size_t compared = 0, rows = 0;
  for (const OpcodeRow& row : opcode_rows()) {
    if (judged_before_printing(row)) continue;
    ++rows;
    for (int round = 0; round < 8; ++round) {
      Insn insn{.code = row.code};
      const uint8_t used = row.fields();
      if (used & kFieldDst) insn.dst = random() % 10;
      if (used & kFieldSrc) insn.src = random() % 11;
      if (used & kFieldOff)
        insn.off = static_cast<int16_t>(row.is_jump() ? random() % 2 : random());
      if (used & kFieldImm)
        insn.imm = static_cast<int32_t>(row.is_jump() ? random() % 2 : random());
      if (row.form == Form::kBranchImm) insn.imm = static_cast<int32_t>(random());
      if (row.form == Form::kCallHelper) insn.imm = 1;
      if (row.form == Form::kCallSubprog) insn.imm = 1;
      if (row.select == Select::kOff) insn.off = static_cast<int16_t>(row.value);
      if (row.select == Select::kImmediate) insn.imm = row.value;
      if (row.select == Select::kSource) insn.src = static_cast<uint8_t>(row.value);
      std::vector<Insn> program = {insn};
      if (row.form == Form::kLoadImm64) program.push_back({.imm = static_cast<int32_t>(random())});
      if (row.form != Form::kCallSubprog) program.push_back({.code = 0xb7});
      program.push_back({.code = 0x95});
      if (row.form == Form::kCallSubprog)
        program.insert(program.end(), {{.code = 0xb7}, {.code = 0x95}});
      const std::string log = test::HostBpf::verifier_log(program, ProgramType::kSocketFilter);
      const std::string theirs = first_instruction(log);
      if (theirs.empty()) continue;  // refused earlier: a fault of another pass
      const std::string ours = row.form == Form::kCallHelper
                                   ? disassemble(program.data(), HelperOne())
                                   : disassemble(program.data());
      EXPECT_EQ(ours, theirs) << row.name;
      ++compared;
    }
  }
  // An older kernel refuses the newest rows before it prints them.
  EXPECT_GT(compared, rows * (host_release() >= 615 ? 7 : 4)) << "of " << rows << " rows";
}

TEST(KernelText, TheVerifierKnowsTheOpcodesThatWeKnow) {
  if (const std::string why = test::host_unavailable(); !why.empty())
    GTEST_SKIP() << "skipped: " << why;
  if (host_release() < 615)
    GTEST_SKIP() << "skipped: the running kernel is older than the newest opcode";
  for (int code = 0; code < 256; ++code) {
    const Insn program[] = {{.code = static_cast<uint8_t>(code)}, {.code = 0xb7}, {.code = 0x95}};
    const std::string log = test::HostBpf::verifier_log(program, ProgramType::kSocketFilter);
    // An unknown mode of LDX is found by an earlier check, which calls it something else.
    const bool unknown = log.find("unknown opcode") != std::string::npos ||
                         log.find("BPF_LDX uses reserved fields") != std::string::npos;
    EXPECT_EQ(unknown, !opcode_exists(static_cast<uint8_t>(code)))
        << std::hex << code << ": " << log;
  }
}

}  // namespace
}  // namespace drydock::isa
