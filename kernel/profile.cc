// SPDX-License-Identifier: Apache-2.0
#include "kernel/profile.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <mutex>

namespace drydock {

/// Where each symbol's name begins in symbols_: an open-addressed table, at most half full; 0 is an
/// empty slot (no name begins at 0: a line's type comes first).
struct Profile::SymbolIndex {
  std::once_flag once;
  std::vector<uint32_t> slots;

  void build(std::string_view symbols) {
    slots.assign(std::bit_ceil(static_cast<size_t>(std::ranges::count(symbols, '\n')) * 2 + 2), 0);
    for (size_t at = 0; at < symbols.size();) {
      const size_t end = std::min(symbols.find('\n', at), symbols.size());
      if (end - at > 2) insert(symbols, at + 2);
      at = end + 1;
    }
  }
  void insert(std::string_view symbols, size_t begin) {
    size_t slot = first_slot(name_at(symbols, begin));
    while (slots[slot]) slot = next(slot);
    slots[slot] = static_cast<uint32_t>(begin);
  }
  bool has(std::string_view symbols, std::string_view name) const {
    for (size_t slot = first_slot(name); slots[slot]; slot = next(slot))
      if (name_at(symbols, slots[slot]) == name) return true;
    return false;
  }

 private:
  static std::string_view name_at(std::string_view symbols, size_t begin) {
    return symbols.substr(begin, symbols.find('\n', begin) - begin);
  }
  size_t first_slot(std::string_view name) const {
    return std::hash<std::string_view>{}(name) & (slots.size() - 1);
  }
  size_t next(size_t slot) const { return (slot + 1) & (slots.size() - 1); }
};

void Profile::index_symbols_when_asked() { symbol_index_ = std::make_shared<SymbolIndex>(); }

bool Profile::has_symbol(std::string_view name) const {
  std::call_once(symbol_index_->once, [this] { symbol_index_->build(symbols_); });
  return symbol_index_->has(symbols_, name);
}

std::optional<std::string_view> Profile::config(std::string_view option) const {
  auto row = std::ranges::lower_bound(config_, option, {}, [](const auto& r) { return r.first; });
  if (row == config_.end() || row->first != option) return std::nullopt;
  return row->second;
}

bool Profile::config_enabled(std::string_view option) const {
  auto value = config(option);
  return value && (*value == "y" || *value == "m");
}

std::optional<uint32_t> Profile::kfunc_flags(uint32_t btf_func_id) const {
  auto row = std::ranges::lower_bound(kfunc_flags_, btf_func_id, {},
                                      [](const auto& r) { return r.first; });
  if (row == kfunc_flags_.end() || row->first != btf_func_id) return std::nullopt;
  return row->second;
}

}  // namespace drydock
