// SPDX-License-Identifier: Apache-2.0
#include "kernel/probed.h"

#include <algorithm>
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

using Numbers = std::bitset<ProbedCaller::kMost>;

/// {1, 2, 3, 7}: "1-3 7"
std::string ranges_text(const Numbers& numbers) {
  std::string text;
  for (size_t at = 0; at < numbers.size(); ++at) {
    if (!numbers[at]) continue;
    size_t first = at;
    while (at + 1 < numbers.size() && numbers[at + 1]) ++at;
    text += (text.empty() ? "" : " ") + std::to_string(first);
    if (at != first) text += "-" + std::to_string(at);
  }
  return text;
}

bool number(std::string_view text, uint32_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read_ranges(std::string_view text, Numbers& out) {
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    size_t dash = word.find('-');
    uint32_t first = 0, last = 0;
    if (!number(word.substr(0, dash), first)) return false;
    last = first;
    if (dash != word.npos && !number(word.substr(dash + 1), last)) return false;
    if (last < first || last >= out.size()) return false;
    for (uint32_t n = first; n <= last; ++n) out.set(n);
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
  } else if (row.size() == 2 && row[0] == "helpers") {
    return number(row[1], probed.helper_end);
  } else if (row.size() == 2 && row[0] == "kfuncs") {
    probed.kfuncs = words(row[1]);
    return std::ranges::is_sorted(probed.kfuncs);
  } else if (row.size() == 4 && row[0] == "calls") {
    ProbedCaller& caller = probed.callers[std::string(row[1])];
    return read_ranges(row[2], caller.helpers) && read_ranges(row[3], caller.kfuncs);
  } else {
    return false;
  }
  return true;
}

std::optional<bool> among(const Probed::ByName<std::vector<std::string>>& lists,
                          std::string_view list, std::string_view name) {
  auto at = lists.find(list);
  if (at == lists.end() || name.empty()) return std::nullopt;
  return std::ranges::find(at->second, name) != at->second.end();
}

}  // namespace

std::optional<bool> Probed::map(std::string_view type) const {
  if (maps.empty()) return std::nullopt;
  return std::ranges::find(maps, type) != maps.end();
}

std::optional<bool> Probed::attach(std::string_view program_type,
                                   std::string_view attach_type) const {
  return among(attach_types, program_type, attach_type);
}

std::optional<bool> Probed::lsm(std::string_view hook, std::string_view kind) const {
  return among(lsm_hooks, hook, kind);
}

std::optional<bool> Probed::helper(const ProbedCaller& caller, uint32_t id) const {
  if (id == 0 || id >= helper_end || id >= caller.helpers.size()) return std::nullopt;
  return caller.helpers[id];
}

std::optional<bool> Probed::kfunc(const ProbedCaller& caller, std::string_view name) const {
  auto at = std::ranges::lower_bound(kfuncs, name);
  if (at == kfuncs.end() || *at != name) return std::nullopt;
  auto place = static_cast<size_t>(at - kfuncs.begin());
  return place < caller.kfuncs.size() ? std::optional(caller.kfuncs[place]) : std::nullopt;
}

std::string Probed::text() const {
  if (release.empty()) return {};
  std::string out = "release\t" + release + "\nmaps\t" + joined(maps) + "\n";
  for (const auto& [type, attach] : attach_types)
    out += "attach\t" + type + "\t" + joined(attach) + "\n";
  for (const auto& [hook, kinds] : lsm_hooks) out += "lsm\t" + hook + "\t" + joined(kinds) + "\n";
  out += "helpers\t" + std::to_string(helper_end) + "\nkfuncs\t" + joined(kfuncs) + "\n";
  for (const auto& [name, caller] : callers)
    out += "calls\t" + name + "\t" + ranges_text(caller.helpers) + "\t" +
           ranges_text(caller.kfuncs) + "\n";
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
