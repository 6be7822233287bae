// SPDX-License-Identifier: Apache-2.0
// The stack of one frame: slots of eight bytes, slot 0 being [fp-8, fp). Each byte has a kind;
// a slot whose bytes are spills also holds the register.
//
// Slots are shared between states copied from each other and cloned at the first write
// (copy-on-write): at() reads, edit() makes the storage this stack's own first. A reference from
// edit() is valid until the stack, or the state it is in, is copied.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <vector>

#include "verifier/register.h"

namespace drydock::verifier {

enum class SlotKind : uint8_t {
  kInvalid,  // never written
  kSpill,    // part of a spilled register
  kMisc,     // something was written
  kZero,     // zero was written
  kDynptr, kIter, kIrqFlag,
};

inline constexpr int kSlotBytes = 8;

struct Slot {
  Register reg;                         // spilled register, or dynptr/iterator/irq state
  std::array<SlotKind, 8> kinds = {};   // kinds[i]: byte at fp - 8*spi - 1 - i

  SlotKind top() const { return kinds[7]; }
  bool is_spilled_reg() const { return kinds[7] == SlotKind::kSpill; }
  bool is_spilled_scalar() const { return is_spilled_reg() && reg.type == kScalar; }
  bool is_special() const {
    return kinds[7] == SlotKind::kDynptr || kinds[7] == SlotKind::kIter ||
           kinds[7] == SlotKind::kIrqFlag;
  }
};

class Stack {
 public:
  /// Bytes in use so far, a multiple of 8.
  int allocated() const { return static_cast<int>(size()) * kSlotBytes; }
  size_t size() const { return block_ ? block_->slots.size() : 0; }
  const Slot& at(size_t spi) const { return block_->slots[spi]; }
  Slot& edit(size_t spi) {
    own();
    return block_->slots[spi];
  }
  void grow(size_t slots) {
    if (slots <= size()) return;
    own();
    block_->slots.resize(slots);
  }
  void clear() { block_.reset(); }
  bool shares_storage_with(const Stack& o) const { return block_ == o.block_; }

 private:
  struct Block {
    std::vector<Slot> slots;
  };
  void own() {
    if (!block_) block_ = std::make_shared<Block>();
    else if (block_.use_count() > 1) block_ = std::make_shared<Block>(*block_);
  }
  std::shared_ptr<Block> block_;
};

}  // namespace drydock::verifier
