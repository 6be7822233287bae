// SPDX-License-Identifier: Apache-2.0
// The stack of one frame: slots of eight bytes, slot 0 being [fp-8, fp). Each byte has a kind;
// a slot whose bytes are spills also holds the register.
//
// Slots are shared between states copied from each other, in chunks of eight that are cloned at the
// first write (copy-on-write): at() reads, edit() makes the chunk this stack's own first. A
// reference from edit() is valid until the stack, or the state it is in, is copied.
//
// Chunks belong to the pool of their verification, which one thread works on: their counts are
// plain numbers, and a chunk that is given back is the next one taken.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "isa/insn.h"
#include "verifier/register.h"

namespace drydock::verifier {

enum class SlotKind : uint8_t {
  kInvalid,  // never written
  kSpill,    // part of a spilled register
  kMisc,     // something was written
  kZero,     // zero was written
  kDynptr,
  kIter,
  kIrqFlag,
  kPoison,  // dropped as dead: not to be read any more (stack_use.h)
};

inline constexpr int kSlotBytes = 8;

struct Slot {
  Register reg;                        // spilled register, or dynptr/iterator/irq state
  std::array<SlotKind, 8> kinds = {};  // kinds[i]: byte at fp - 8*spi - 1 - i

  SlotKind top() const { return kinds[7]; }
  bool is_spilled_reg() const { return kinds[7] == SlotKind::kSpill; }
  bool is_spilled_scalar() const { return is_spilled_reg() && reg.type == kScalar; }
  bool is_special() const {
    return kinds[7] == SlotKind::kDynptr || kinds[7] == SlotKind::kIter ||
           kinds[7] == SlotKind::kIrqFlag;
  }
};

/// Eight slots and how many stacks have them.
struct SlotChunk {
  static constexpr size_t kSlots = 8;
  std::array<Slot, kSlots> slots;
  uint32_t owners = 1;
  SlotChunk* next_spare = nullptr;
};

/// Gives out chunks and takes them back. Outlives every stack that has one.
class SlotPool {
 public:
  SlotPool() = default;
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  SlotChunk* take() { return new (place()) SlotChunk(); }
  SlotChunk* clone(const SlotChunk& chunk) {
    auto* copy = new (place()) SlotChunk(chunk);
    copy->owners = 1;
    return copy;
  }
  void give_back(SlotChunk* chunk) {
    chunk->next_spare = spare_;
    spare_ = chunk;
  }

 private:
  static_assert(std::is_trivially_destructible_v<SlotChunk>);
  static constexpr size_t kFewest = 4, kMost = 64;  // chunks asked for at a time

  void* place() {
    if (SlotChunk* chunk = spare_) {
      spare_ = chunk->next_spare;
      return chunk;
    }
    if (used_ == size_) {
      size_ = slabs_.empty() ? kFewest : size_ < kMost ? size_ * 2 : kMost;
      slabs_.emplace_back(new std::byte[size_ * sizeof(SlotChunk)]);
      used_ = 0;
    }
    return slabs_.back().get() + used_++ * sizeof(SlotChunk);
  }

  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  size_t used_ = 0, size_ = 0;  // of the last slab, in chunks
  SlotChunk* spare_ = nullptr;
};

class Stack {
 public:
  Stack() = default;  // of no pool: stays empty
  explicit Stack(SlotPool& pool) : pool_(&pool) {}
  Stack(const Stack& o) : pool_(o.pool_), size_(o.size_), chunks_(o.chunks_) {
    for (size_t i = 0; i < chunk_count(); ++i) ++chunks_[i]->owners;
  }
  Stack& operator=(const Stack& o) {
    Stack copy(o);
    swap(copy);
    return *this;
  }
  Stack(Stack&& o) noexcept { swap(o); }
  Stack& operator=(Stack&& o) noexcept {
    swap(o);
    return *this;
  }
  ~Stack() { clear(); }

  /// Bytes in use so far, a multiple of 8.
  int allocated() const { return static_cast<int>(size_) * kSlotBytes; }
  size_t size() const { return size_; }
  const Slot& at(size_t spi) const {
    return chunks_[spi / SlotChunk::kSlots]->slots[spi % SlotChunk::kSlots];
  }
  Slot& edit(size_t spi) {
    SlotChunk*& chunk = chunks_[spi / SlotChunk::kSlots];
    if (chunk->owners > 1) {
      SlotChunk* own = pool_->clone(*chunk);
      --chunk->owners;
      chunk = own;
    }
    return chunk->slots[spi % SlotChunk::kSlots];
  }
  /// The slots that come are blank: nobody writes behind the end of a stack.
  void grow(size_t slots) {
    if (slots <= size_) return;
    assert(pool_ && slots <= kMostSlots);
    const size_t before = chunk_count();
    size_ = static_cast<uint32_t>(slots);
    for (size_t i = before; i < chunk_count(); ++i) chunks_[i] = pool_->take();
  }
  void clear() {
    for (size_t i = 0; i < chunk_count(); ++i)
      if (--chunks_[i]->owners == 0) pool_->give_back(chunks_[i]);
    size_ = 0;
  }

 private:
  static constexpr size_t kMostSlots = isa::kMaxStackBytes / kSlotBytes;

  size_t chunk_count() const { return (size_ + SlotChunk::kSlots - 1) / SlotChunk::kSlots; }
  void swap(Stack& o) noexcept {
    std::swap(pool_, o.pool_);
    std::swap(size_, o.size_);
    std::swap(chunks_, o.chunks_);
  }

  SlotPool* pool_ = nullptr;
  uint32_t size_ = 0;
  std::array<SlotChunk*, kMostSlots / SlotChunk::kSlots> chunks_{};
};

}  // namespace drydock::verifier
