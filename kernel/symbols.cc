// SPDX-License-Identifier: Apache-2.0
#include "kernel/symbols.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace drydock {
namespace {

constexpr size_t kNameAt = 2;  // behind the type and a blank

/// Names that macros, the linker or another language make; a C program has no word for them or
/// means the symbol they were made of.
constexpr std::string_view kMadeOfOthers[] = {"__pfx_",
                                              "__pi_",
                                              "__ksymtab_",
                                              "__kstrtab",
                                              "__crc_",
                                              "__SCK__",
                                              "__SCT__",
                                              "__event_",
                                              "event_",
                                              "trace_event_",
                                              "print_fmt_",
                                              "__tpstrtab_",
                                              "__flags_",
                                              "__setup_",
                                              "__initcall",
                                              "__exitcall_",
                                              "__bpf_trace_tp_map_",
                                              "__BTF_ID__",
                                              "__param_",
                                              "__UNIQUE_ID_",
                                              "__syscall_meta_",
                                              "args__",
                                              "types__",
                                              "str__",
                                              "__p_",
                                              "p_syscall_meta_",
                                              "security_hook_active_",
                                              "__quirk",
                                              "_R"};

bool can_be_named(std::string_view name) {
  return name.find('.') == name.npos &&
         std::ranges::none_of(kMadeOfOthers,
                              [&](std::string_view start) { return name.starts_with(start); });
}

/// Takes the first line off the text.
std::string_view next_line(std::string_view& text) {
  size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

template <class Visit>
void for_each_in_btf(const Btf& btf, Visit visit) {
  for (uint32_t id = 1; id < btf.type_count(); ++id) {
    const BtfType& type = *btf.type(id);
    if (type.kind() == BtfKind::kFunc) visit('T', btf.name_of(type));
    if (type.kind() == BtfKind::kVar) visit('D', btf.name_of(type));
  }
}

}  // namespace

KernelSymbols::KernelSymbols(std::string text, std::shared_ptr<const Btf> btf)
    : text_(std::move(text)), btf_(std::move(btf)) {}

std::string KernelSymbols::condense(std::string_view lines, const Btf& btf) {
  std::unordered_map<std::string_view, int> by_btf;  // how often BTF has the name, less its symbols
  for_each_in_btf(btf, [&](char, std::string_view name) { ++by_btf[name]; });
  std::vector<std::string_view> kept;
  while (!lines.empty()) {
    std::string_view line = next_line(lines);
    if (line.size() <= kNameAt) continue;
    std::string_view name = line.substr(kNameAt);
    auto known = by_btf.find(name);
    if (known != by_btf.end() && known->second > 0) {
      --known->second;
    } else if (can_be_named(name)) {
      kept.push_back(line);
    }
  }
  if (kept.empty()) return {};
  std::vector<std::string> missing;
  for (const auto& [name, count] : by_btf)
    if (count > 0) missing.push_back("- " + std::string(name));
  kept.insert(kept.end(), missing.begin(), missing.end());
  std::ranges::sort(kept, [](std::string_view a, std::string_view b) {
    return std::pair(a.substr(kNameAt), a[0]) < std::pair(b.substr(kNameAt), b[0]);
  });
  std::string text;
  for (std::string_view line : kept) text.append(line) += '\n';
  return text;
}

KernelSymbols::Line KernelSymbols::line_of(std::string_view name) const {
  std::string_view text = text_;
  size_t low = 0, high = text.size();  // both at the beginning of a line
  while (low < high) {
    size_t middle = text.rfind('\n', low + (high - low) / 2);
    middle = middle == text.npos || middle < low ? low : middle + 1;
    if (middle >= high) middle = low;
    size_t end = std::min(text.find('\n', middle), text.size());
    std::string_view line = text.substr(middle, end - middle);
    if (line.size() <= kNameAt) return Line::kNone;
    int order = line.substr(kNameAt).compare(name);
    if (order == 0) return line[0] == '-' ? Line::kTakenAway : Line::kSymbol;
    if (order < 0) low = std::min(end + 1, text.size());
    else high = middle;
  }
  return Line::kNone;
}

bool KernelSymbols::has(std::string_view name) const {
  switch (line_of(name)) {
    case Line::kSymbol: return true;
    case Line::kTakenAway: return false;
    case Line::kNone: break;
  }
  return btf_ && (btf_->find(name, BtfKind::kFunc) != 0 || btf_->find(name, BtfKind::kVar) != 0);
}

void KernelSymbols::for_each(const std::function<void(char, std::string_view)>& visit) const {
  std::unordered_set<std::string_view> taken_away;
  std::vector<std::string_view> own;
  for (std::string_view rest = text_; !rest.empty();) {
    std::string_view line = next_line(rest);
    if (line.size() <= kNameAt) continue;
    if (line[0] == '-') taken_away.insert(line.substr(kNameAt));
    else own.push_back(line);
  }
  if (btf_)
    for_each_in_btf(*btf_, [&](char type, std::string_view name) {
      if (!taken_away.contains(name)) visit(type, name);
    });
  for (std::string_view line : own) visit(line[0], line.substr(kNameAt));
}

}  // namespace drydock
