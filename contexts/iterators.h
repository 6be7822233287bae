// SPDX-License-Identifier: Apache-2.0
// The iterators that a program may be ("iter/task"), one row each. Kernel's counterpart: the
// struct bpf_iter_reg of each target.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "contexts/reg_type.h"
#include "kernel/profile.h"

namespace drydock {

/// An argument that is more than its BTF type says.
struct IteratorArg {
  uint32_t offset = 0;  // bytes into the context, a multiple of 8
  RegType type = 0;     // kPtrToBtfId or kPtrToBuf, with flags; 0: no such argument
  std::string_view btf_type = {};
};

struct Iterator {
  std::string_view target;  // "task"; the BTF function is bpf_iter_task
  bool resched = false;     // the kernel may schedule between objects
  std::array<IteratorArg, 2> args = {};

  /// The argument at that offset, or nullptr.
  const IteratorArg* arg_at(uint32_t offset) const;
};

/// By target ("task") or by BTF function ("bpf_iter_task"); nullptr when there is no such row.
const Iterator* iterator_named(std::string_view name);
std::span<const Iterator> all_iterators();
/// Whether that kernel has it: its BTF declares the function.
bool has_iterator(const Iterator& iterator, const Profile& profile);

}  // namespace drydock
