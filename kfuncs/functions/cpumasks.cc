// SPDX-License-Identifier: Apache-2.0
// CPU masks: a bit a CPU, of which those below the number of possible CPUs count. A mask that a
// program made has the kernel's layout (struct bpf_cpumask: the mask, then its count).
#include <bit>
#include <cerrno>

#include "helpers/kernel_objects.h"
#include "helpers/machine.h"
#include "kfuncs/functions.h"

namespace drydock {
namespace {

using Args = std::span<const uint64_t, 5>;

uint64_t result(int64_t value) { return static_cast<uint64_t>(value); }

/// The words of a mask that hold possible CPUs.
class Mask {
 public:
  Mask(Machine& machine, uint64_t address) : machine_(machine), address_(address) {}
  uint32_t words() const { return (machine_.cpu_count() + 63) / 64; }
  uint64_t get(uint32_t i) const {
    return machine_.load<uint64_t>(address_ + 8 * i).value_or(0) & used(i);
  }
  void set(uint32_t i, uint64_t bits) {
    auto old = machine_.load<uint64_t>(address_ + 8 * i);
    if (old) machine_.store(address_ + 8 * i, (*old & ~used(i)) | (bits & used(i)));
  }
  /// The bits that stand for CPUs in a word.
  uint64_t used(uint32_t i) const {
    const uint32_t left = machine_.cpu_count() - 64 * i;
    return left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
  }

 private:
  Machine& machine_;
  uint64_t address_;
};

uint64_t create(Machine& machine, Args) {
  auto mask = machine.objects().make("bpf_cpumask", "bpf_cpumask");
  return mask ? *mask : machine.unsupported("kfunc bpf_cpumask_create: " + mask.error().message);
}
/// The lowest CPU of the words that `word(i)` yields; as many as there are CPUs when there is none.
template <class Word>
uint64_t lowest(Machine& machine, const Mask& mask, Word word) {
  for (uint32_t i = 0; i < mask.words(); ++i)
    if (uint64_t bits = word(i) & mask.used(i))
      return 64 * i + static_cast<uint32_t>(std::countr_zero(bits));
  return machine.cpu_count();
}
uint64_t first(Machine& machine, Args args) {
  Mask mask(machine, args[0]);
  return lowest(machine, mask, [&](uint32_t i) { return mask.get(i); });
}
uint64_t first_zero(Machine& machine, Args args) {
  Mask mask(machine, args[0]);
  return lowest(machine, mask, [&](uint32_t i) { return ~mask.get(i); });
}
uint64_t first_and(Machine& machine, Args args) {
  Mask a(machine, args[0]), b(machine, args[1]);
  return lowest(machine, a, [&](uint32_t i) { return a.get(i) & b.get(i); });
}

enum class Then { kKeep, kSet, kClear };
/// Whether a CPU is in the mask, and what becomes of it.
template <Then kThen>
uint64_t touch(Machine& machine, Args args) {
  const auto cpu = static_cast<uint32_t>(args[0]);
  if (cpu >= machine.cpu_count()) return 0;
  Mask mask(machine, args[1]);
  const uint64_t word = mask.get(cpu / 64), bit = uint64_t{1} << cpu % 64;
  if constexpr (kThen == Then::kSet) mask.set(cpu / 64, word | bit);
  if constexpr (kThen == Then::kClear) mask.set(cpu / 64, word & ~bit);
  return (word & bit) != 0;
}

uint64_t set_all(Machine& machine, Args args) {
  Mask mask(machine, args[0]);
  for (uint32_t i = 0; i < mask.words(); ++i) mask.set(i, ~uint64_t{0});
  return 0;
}
uint64_t clear(Machine& machine, Args args) {
  Mask mask(machine, args[0]);
  for (uint32_t i = 0; i < mask.words(); ++i) mask.set(i, 0);
  return 0;
}

enum class Operator { kAnd, kOr, kXor, kCopy };
/// The destination gets two masks combined; whether anything is in it.
template <Operator kOperator>
uint64_t combine(Machine& machine, Args args) {
  Mask to(machine, args[0]), a(machine, args[1]), b(machine, args[2]);
  bool any = false;
  for (uint32_t i = 0; i < to.words(); ++i) {
    uint64_t bits = a.get(i);
    if constexpr (kOperator == Operator::kAnd) bits &= b.get(i);
    if constexpr (kOperator == Operator::kOr) bits |= b.get(i);
    if constexpr (kOperator == Operator::kXor) bits ^= b.get(i);
    to.set(i, bits);
    any |= bits != 0;
  }
  return kOperator == Operator::kAnd ? any : 0;
}

/// Whether `holds(word of a, word of b)` for each word.
template <class Holds>
uint64_t all_words(Machine& machine, uint64_t a_at, uint64_t b_at, Holds holds) {
  Mask a(machine, a_at), b(machine, b_at);
  for (uint32_t i = 0; i < a.words(); ++i)
    if (!holds(a.get(i), b.get(i))) return 0;
  return 1;
}
uint64_t equal(Machine& machine, Args args) {
  return all_words(machine, args[0], args[1], [](uint64_t a, uint64_t b) { return a == b; });
}
uint64_t intersects(Machine& machine, Args args) {
  return !all_words(machine, args[0], args[1], [](uint64_t a, uint64_t b) { return !(a & b); });
}
uint64_t subset(Machine& machine, Args args) {
  return all_words(machine, args[0], args[1], [](uint64_t a, uint64_t b) { return !(a & ~b); });
}
uint64_t empty(Machine& machine, Args args) {
  return all_words(machine, args[0], args[0], [](uint64_t a, uint64_t) { return !a; });
}
uint64_t weight(Machine& machine, Args args) {
  Mask mask(machine, args[0]);
  uint32_t bits = 0;
  for (uint32_t i = 0; i < mask.words(); ++i)
    bits += static_cast<uint32_t>(std::popcount(mask.get(i)));
  return bits;
}
uint64_t full(Machine& machine, Args args) { return weight(machine, args) == machine.cpu_count(); }

/// From plain bytes, enough of them for every CPU.
uint64_t populate(Machine& machine, Args args) {
  Mask to(machine, args[0]);
  const uint64_t bytes = uint64_t{8} * to.words();
  if (args[2] < bytes) return result(-EACCES);
  for (uint32_t i = 0; i < to.words(); ++i)
    to.set(i, machine.load<uint64_t>(args[1] + 8 * i).value_or(0));
  return 0;
}

constexpr KfuncEmulation kFunctions[] = {
    {"bpf_cpumask_create", create},
    {"bpf_cpumask_first", first},
    {"bpf_cpumask_first_zero", first_zero},
    {"bpf_cpumask_first_and", first_and},
    {"bpf_cpumask_set_cpu", touch<Then::kSet>},
    {"bpf_cpumask_clear_cpu", touch<Then::kClear>},
    {"bpf_cpumask_test_cpu", touch<Then::kKeep>},
    {"bpf_cpumask_test_and_set_cpu", touch<Then::kSet>},
    {"bpf_cpumask_test_and_clear_cpu", touch<Then::kClear>},
    {"bpf_cpumask_setall", set_all},
    {"bpf_cpumask_clear", clear},
    {"bpf_cpumask_and", combine<Operator::kAnd>},
    {"bpf_cpumask_or", combine<Operator::kOr>},
    {"bpf_cpumask_xor", combine<Operator::kXor>},
    {"bpf_cpumask_copy", combine<Operator::kCopy>},
    {"bpf_cpumask_equal", equal},
    {"bpf_cpumask_intersects", intersects},
    {"bpf_cpumask_subset", subset},
    {"bpf_cpumask_empty", empty},
    {"bpf_cpumask_full", full},
    {"bpf_cpumask_weight", weight},
    {"bpf_cpumask_populate", populate},
};

}  // namespace

std::span<const KfuncEmulation> cpumask_kfuncs() { return kFunctions; }

}  // namespace drydock
