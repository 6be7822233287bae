// SPDX-License-Identifier: Apache-2.0
#include "verifier/log_lines.h"

#include <gtest/gtest.h>

namespace drydock::verifier {
namespace {

struct Row {
  const char* log;
  const char* line;
};
// Ends of real kernels' logs.
// clang-format off
constexpr Row kLogs[] = {
    {"0: (95) exit\nR0 !read_ok\nprocessed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
     "R0 !read_ok"},
    {"R0 !read_ok\nverification time 12 usec\nstack depth 0\nprocessed 1 insns (limit 1000000) max_states_per_insn 0 "
     "total_states 0 peak_states 0 mark_read 0\ninsns processed 1+0\n",
     "R0 !read_ok"},
    {"invalid access to map value, value_size=4 off=4 size=4\n; x = *p; @ a.c:7\nold state: R1=ctx()\n",
     "invalid access to map value, value_size=4 off=4 size=4"},
    // The kernel's message has no line end.
    {"insn 3 cannot call exception cb directlyverification time 98 usec\nstack depth 0\n", "insn 3 cannot call exception cb directly"},
    {"processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n", ""},
    {"", ""},
};
// clang-format on

TEST(LogLines, TheFinalErrorLine) {
  for (const Row& row : kLogs) EXPECT_EQ(final_error_line(row.log), row.line);
}

TEST(LogLines, Statistics) {
  LogStatistics s = log_statistics(
      "0: (b7) r0 = 0\nverification time 35 usec\nstack depth 32+16 max 48\n"
      "processed 210 insns (limit 1000000) max_states_per_insn 3 total_states 22 peak_states 21 "
      "mark_read 9\n");
  EXPECT_TRUE(s.present);
  EXPECT_EQ(s.insns_processed, 210u);
  EXPECT_EQ(s.max_states_per_insn, 3u);
  EXPECT_EQ(s.total_states, 22u);
  EXPECT_EQ(s.peak_states, 21u);
  EXPECT_EQ(s.stack_depth, "32+16");
  EXPECT_EQ(s.microseconds, 35u);
  EXPECT_FALSE(log_statistics("unknown opcode ff\n").present);
  EXPECT_FALSE(log_statistics("processed 210 insns (limit 10").present);  // cut off
}

}  // namespace
}  // namespace drydock::verifier
