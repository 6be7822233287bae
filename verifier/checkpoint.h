// SPDX-License-Identifier: Apache-2.0
// A state kept at a prune point, to be compared with those that come there later; and the lists
// such states stand in. A list is intrusive and owns nothing: checkpoints live in the pool of
// their verification and go back to it, with the memory their frames and histories have, as soon
// as no path below them is open. Walks make hundreds of thousands of them.
//
// Kernel's counterpart: struct bpf_verifier_state_list.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "verifier/state.h"

namespace drydock::verifier {

struct Checkpoint;

/// Its place in a list, in front of the state so that walking a list touches little memory.
struct CheckpointPlace {
  Checkpoint* prev = nullptr;
  Checkpoint* next = nullptr;
  uint32_t miss_count = 0, hit_count = 0;
  bool in_free_list = false;  // evicted; lives on only while paths below it are open
};

struct Checkpoint : CheckpointPlace, State {};

class CheckpointList {
 public:
  Checkpoint* first() const { return first_; }
  void push_front(Checkpoint* c) {
    c->prev = nullptr;
    c->next = first_;
    if (first_) first_->prev = c;
    first_ = c;
  }
  void erase(Checkpoint* c) {
    if (c->prev) c->prev->next = c->next;
    else first_ = c->next;
    if (c->next) c->next->prev = c->prev;
    c->prev = c->next = nullptr;
  }

 private:
  Checkpoint* first_ = nullptr;
};

/// Keeps states that were given back, to hand them out again. What comes out of take() holds its
/// former contents but for the stacks, whose slots others may still have: callers assign to it.
template <class T>
class RecyclingPool {
 public:
  std::unique_ptr<T> take() {
    if (spare_.empty()) return std::make_unique<T>();
    std::unique_ptr<T> object = std::move(spare_.back());
    spare_.pop_back();
    return object;
  }
  void give_back(std::unique_ptr<T> object) {
    if (spare_.size() == kMaxSpare) return;
    object->drop_stacks();
    spare_.push_back(std::move(object));
  }

 private:
  static constexpr size_t kMaxSpare = 64;
  std::vector<std::unique_ptr<T>> spare_;
};

}  // namespace drydock::verifier
