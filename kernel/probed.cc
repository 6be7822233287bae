// SPDX-License-Identifier: Apache-2.0
#include "kernel/probed.h"

#include <charconv>

namespace drydock {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (std::string_view word : split(text, ' '))
    if (!word.empty()) out.emplace_back(word);
  return out;
}

template <class Words>
std::string joined(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// {1, 2, 3, 7}: "1-3 7"
std::string ranges_text(const std::set<uint32_t>& numbers) {
  std::string text;
  for (auto at = numbers.begin(); at != numbers.end();) {
    uint32_t first = *at, last = first;
    while (++at != numbers.end() && *at == last + 1) last = *at;
    text += (text.empty() ? "" : " ") + std::to_string(first);
    if (last != first) text += "-" + std::to_string(last);
  }
  return text;
}

bool number(std::string_view text, uint32_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_ranges(std::string_view text, std::set<uint32_t>& out) {
  constexpr uint32_t kMost = 1u << 16;
  for (const std::string& word : words(text)) {
    size_t dash = word.find('-');
    uint32_t first = 0, last = 0;
    if (!number(std::string_view(word).substr(0, dash), first)) return false;
    last = first;
    if (dash != word.npos && !number(std::string_view(word).substr(dash + 1), last)) return false;
    if (last < first || last > kMost) return false;
    for (uint32_t n = first; n <= last; ++n) out.insert(n);
  }
  return true;
}

bool read_row(const std::vector<std::string_view>& row, Probed& probed) {
  if (row.size() == 2 && row[0] == "release") {
    probed.release = row[1];
  } else if (row.size() == 2 && row[0] == "maps") {
    probed.maps = words(row[1]);
  } else if (row.size() == 3 && row[0] == "attach") {
    probed.attach_types[std::string(row[1])] = words(row[2]);
  } else if (row.size() == 3 && row[0] == "lsm") {
    probed.lsm_hooks[std::string(row[1])] = words(row[2]);
  } else if (row.size() == 4 && row[0] == "caller") {
    ProbedCaller& caller = probed.callers[std::string(row[1])];
    for (std::string& name : words(row[3])) caller.kfuncs.insert(std::move(name));
    return read_ranges(row[2], caller.helpers);
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::string Probed::text() const {
  if (release.empty()) return {};
  std::string out = "release\t" + release + "\nmaps\t" + joined(maps) + "\n";
  for (const auto& [type, attach] : attach_types) out += "attach\t" + type + "\t" + joined(attach) + "\n";
  for (const auto& [hook, kinds] : lsm_hooks) out += "lsm\t" + hook + "\t" + joined(kinds) + "\n";
  for (const auto& [name, caller] : callers)
    out += "caller\t" + name + "\t" + ranges_text(caller.helpers) + "\t" + joined(caller.kfuncs) + "\n";
  return out;
}

Result<Probed> Probed::parse(std::string_view text) {
  Probed probed;
  size_t line_number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++line_number;
    if (!line.empty() && !read_row(split(line, '\t'), probed))
      return malformed("what was probed: line " + std::to_string(line_number) + " is damaged");
  }
  return probed;
}

}  // namespace drydock
