// SPDX-License-Identifier: Apache-2.0
// A verifier log as text, ours or a real kernel's: its lines, the line that says why a program was
// rejected, the statistics. The one place that knows what is a message and what tells of the walk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drydock::verifier {

std::vector<std::string_view> log_lines(std::string_view log);

/// Lines that tell of the walk rather than of a fault: statistics, instructions, source lines,
/// states, precision marks.
bool is_walk_line(std::string_view line);

/// The last line of the log that says why: the statistics and the state lines behind it are not.
std::string final_error_line(std::string_view log);

/// The lines that a kernel adds behind every log at level 4 and above.
struct LogStatistics {
  bool present = false;  // "processed N insns" was there: the verifier walked the program
  uint64_t insns_processed = 0;
  uint32_t total_states = 0, peak_states = 0, max_states_per_insn = 0;
  std::string stack_depth;    // "32+16": one number a subprogram; "" when there was no such line
  uint64_t microseconds = 0;  // "verification time N usec"
};
LogStatistics log_statistics(std::string_view log);

}  // namespace drydock::verifier
