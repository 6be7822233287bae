// SPDX-License-Identifier: Apache-2.0
#include "verifier/log_lines.h"

#include <charconv>
#include <optional>

namespace drydock::verifier {
namespace {

constexpr std::string_view kProcessed = "processed ", kTime = "verification time ",
                           kDepth = "stack depth ";

/// "key N" pairs behind "processed N insns (limit N)": the number that stands after `key`.
std::optional<uint64_t> number_after(std::string_view line, std::string_view key) {
  size_t at = line.find(key);
  if (at == line.npos) return std::nullopt;
  at += key.size();
  uint64_t value = 0;
  auto [end, error] = std::from_chars(line.data() + at, line.data() + line.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

}  // namespace

std::vector<std::string_view> log_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool is_walk_line(std::string_view line) {
  // "insns processed A+B" is a second line of statistics that newer kernels print.
  static constexpr std::string_view kPrefixes[] = {kProcessed,
                                                   kTime,
                                                   kDepth,
                                                   "insns processed ",
                                                   "mark_precise:",
                                                   "; ",
                                                   "func#",
                                                   "cur state:",
                                                   "old state:",
                                                   "Func#",
                                                   "Live regs before insn:",
                                                   "propagating ",
                                                   "from "};
  if (line.empty()) return true;
  for (std::string_view prefix : kPrefixes)
    if (line.starts_with(prefix)) return true;
  // "12: (b7) r1 = 0" and "12: R1=scalar()"
  size_t digits = line.find_first_not_of("0123456789");
  return digits != std::string_view::npos && digits > 0 && line.substr(digits).starts_with(": ") &&
         (line.substr(digits + 2).starts_with("(") || line.substr(digits + 2).starts_with("R") ||
          line.substr(digits + 2).starts_with("safe") ||
          line.substr(digits + 2).starts_with("frame"));
}

std::string final_error_line(std::string_view log) {
  std::vector<std::string_view> lines = log_lines(log);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (is_walk_line(*line)) continue;
    // A few of the kernel's messages have no line end of their own.
    if (size_t statistics = line->find(kTime); statistics != line->npos && line->ends_with(" usec"))
      return std::string(line->substr(0, statistics));
    return std::string(*line);
  }
  return {};
}

LogStatistics log_statistics(std::string_view log) {
  LogStatistics s;
  for (std::string_view line : log_lines(log)) {
    if (auto time = number_after(line, kTime); time && line.starts_with(kTime))
      s.microseconds = *time;
    if (line.starts_with(kDepth)) {
      // 7.2 goes on behind the numbers: "32+16 max 48".
      std::string_view numbers = line.substr(kDepth.size());
      s.stack_depth = numbers.substr(0, numbers.find_first_not_of("0123456789+"));
    }
    if (!line.starts_with(kProcessed)) continue;
    auto processed = number_after(line, kProcessed),
         most = number_after(line, "max_states_per_insn "),
         total = number_after(line, "total_states "), peak = number_after(line, "peak_states ");
    if (!processed || !most || !total || !peak) continue;
    s.present = true;
    s.insns_processed = *processed;
    s.max_states_per_insn = static_cast<uint32_t>(*most);
    s.total_states = static_cast<uint32_t>(*total);
    s.peak_states = static_cast<uint32_t>(*peak);
  }
  return s;
}

}  // namespace drydock::verifier
