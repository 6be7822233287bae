// SPDX-License-Identifier: Apache-2.0
// The names a kernel has in /proc/kallsyms, kept small: most of them its BTF has already.
//
// The text is lines "T name", the type as kallsyms prints it, sorted by name: every symbol that BTF
// does not tell of, and further symbols of a name that it does. A line "- name" takes a function or
// variable of BTF away, that has no symbol of its own name (the compiler gave it another, or none).
// Left out is what no C program can name, or what macros make once more of another symbol
// (__pfx_, __ksymtab_ and the like). 176,178 symbols of a 6.18 are 17,700 lines, 87 kB packed
// instead of 660.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kernel/btf.h"

namespace drydock {

class KernelSymbols {
 public:
  KernelSymbols() = default;
  /// `text` as told above; "" when the symbols are not known.
  KernelSymbols(std::string text, std::shared_ptr<const Btf> btf);

  /// The text for a kernel, of lines "T name" in any order.
  static std::string condense(std::string_view lines, const Btf& btf);

  /// Whether symbols were kept at all. Where not, those of BTF are taken to be all.
  bool known() const { return !text_.empty(); }
  bool has(std::string_view name) const;
  /// Each symbol: first those of BTF, then the others by name.
  void for_each(const std::function<void(char type, std::string_view name)>& visit) const;

 private:
  enum class Line { kNone, kSymbol, kTakenAway };
  Line line_of(std::string_view name) const;

  std::string text_;
  std::shared_ptr<const Btf> btf_;
};

}  // namespace drydock
