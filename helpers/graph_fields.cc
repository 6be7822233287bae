// SPDX-License-Identifier: Apache-2.0
#include "helpers/graph_fields.h"

#include "helpers/machine.h"

namespace drydock {
namespace {

constexpr uint64_t kListOwner = 16, kTreeOwner = 24;

}  // namespace

// -- Lists

void GraphList::initialize() {
  if (machine_.load<uint64_t>(head_) != 0) return;
  machine_.store(head_, head_);
  machine_.store(head_ + 8, head_);
}

bool GraphList::holds(uint64_t node) { return machine_.load<uint64_t>(node + kListOwner) == head_; }

bool GraphList::link(uint64_t node, uint64_t previous, uint64_t next) {
  auto owner = machine_.load<uint64_t>(node + kListOwner);
  if (!owner || *owner) return false;
  return machine_.store(node, next) && machine_.store(node + 8, previous) &&
         machine_.store(next + 8, node) && machine_.store(previous, node) &&
         machine_.store(node + kListOwner, head_);
}

bool GraphList::push(uint64_t node, bool back) {
  initialize();
  auto neighbour = machine_.load<uint64_t>(back ? head_ + 8 : head_);
  if (!neighbour) return false;
  return back ? link(node, *neighbour, head_) : link(node, head_, *neighbour);
}

bool GraphList::add(uint64_t node, uint64_t previous) {
  initialize();
  if (!holds(previous)) return false;
  auto next = machine_.load<uint64_t>(previous);
  return next && link(node, previous, *next);
}

uint64_t GraphList::peek(bool back) {
  initialize();
  const uint64_t node = machine_.load<uint64_t>(back ? head_ + 8 : head_).value_or(0);
  return node == head_ ? 0 : node;
}

uint64_t GraphList::pop(bool back) {
  const uint64_t node = peek(back);
  return node ? remove(node) : 0;
}

uint64_t GraphList::remove(uint64_t node) {
  initialize();
  if (!holds(node)) return 0;
  auto next = machine_.load<uint64_t>(node), previous = machine_.load<uint64_t>(node + 8);
  bool done = next && previous && machine_.store(*previous, *next) &&
              machine_.store(*next + 8, *previous) && machine_.store(node, node) &&
              machine_.store(node + 8, node) && machine_.store(node + kListOwner, uint64_t{0});
  return done ? node : 0;
}

// -- Trees

uint64_t GraphTree::word(uint64_t at) { return machine_.load<uint64_t>(at).value_or(0); }

void GraphTree::set_word(uint64_t at, uint64_t value) { machine_.store(at, value); }

bool GraphTree::holds(uint64_t node) { return word(node + kTreeOwner) == root_; }

void GraphTree::replace(uint64_t node, uint64_t by) {
  const uint64_t above = parent(node);
  if (!above) set_word(root_, by);
  else set_child(above, side_of(node), by);
  if (by) set_parent(by, above);
}

/// The child opposite of `side` rises, and the node sinks to that side.
void GraphTree::rotate(uint64_t node, Side side) {
  const uint64_t rising = child(node, other(side)), moved = child(rising, side);
  replace(node, rising);
  set_child(node, other(side), moved);
  if (moved) set_parent(moved, node);
  set_child(rising, side, node);
  set_parent(node, rising);
}

bool GraphTree::add(uint64_t node, const Less& less) {
  if (word(node + kTreeOwner)) return false;
  uint64_t above = 0;
  Side side = kLeft;
  bool leftmost = true;
  for (uint64_t at = top(); at; at = child(at, side)) {
    side = less(node, at) ? kLeft : kRight;
    if (machine_.interrupt() != Interrupt::kNone) return false;
    leftmost &= side == kLeft;
    above = at;
  }
  set_word(node, above);  // red
  set_child(node, kLeft, 0);
  set_child(node, kRight, 0);
  if (above) set_child(above, side, node);
  else set_word(root_, node);
  if (leftmost) set_word(root_ + 8, node);
  set_word(node + kTreeOwner, root_);
  mend_after_add(node);
  return true;
}

void GraphTree::mend_after_add(uint64_t node) {
  while (!black(parent(node))) {
    uint64_t above = parent(node);
    const uint64_t grand = parent(above);
    const Side side = side_of(above);
    const uint64_t uncle = child(grand, other(side));
    if (!black(uncle)) {
      paint(above, true);
      paint(uncle, true);
      paint(grand, false);
      node = grand;
      continue;
    }
    if (node == child(above, other(side))) {
      rotate(above, side);
      std::swap(node, above);
    }
    paint(above, true);
    paint(grand, false);
    rotate(grand, other(side));
  }
  if (top()) paint(top(), true);
}

uint64_t GraphTree::next(uint64_t node) {
  uint64_t at = child(node, kRight);
  if (at) {
    while (uint64_t below = child(at, kLeft)) at = below;
    return at;
  }
  at = node;
  while (parent(at) && side_of(at) == kRight) at = parent(at);
  return parent(at);
}

bool GraphTree::remove(uint64_t node) {
  if (!holds(node)) return false;
  if (first() == node) set_word(root_ + 8, next(node));
  uint64_t rising, above;  // what takes the place that loses a node, and its parent
  bool lost_black = black(node);
  const uint64_t left_child = child(node, kLeft), right_child = child(node, kRight);
  if (!left_child || !right_child) {
    rising = left_child ? left_child : right_child;
    above = parent(node);
    replace(node, rising);
  } else {
    const uint64_t heir = next(node);
    lost_black = black(heir);
    rising = child(heir, kRight);
    above = parent(heir);
    if (above == node) {
      above = heir;
    } else {
      replace(heir, rising);
      set_child(heir, kRight, child(node, kRight));
      set_parent(child(heir, kRight), heir);
    }
    replace(node, heir);
    set_child(heir, kLeft, left_child);
    set_parent(left_child, heir);
    paint(heir, black(node));
  }
  if (lost_black) mend_after_remove(rising, above);
  set_word(node, node);
  set_word(node + kTreeOwner, 0);
  return true;
}

/// The paths through `node` (which may be none, below `above`) have one black node too few.
void GraphTree::mend_after_remove(uint64_t node, uint64_t above) {
  while (above && black(node)) {
    const Side side = child(above, kLeft) == node ? kLeft : kRight;
    uint64_t sibling = child(above, other(side));
    if (!black(sibling)) {
      paint(sibling, true);
      paint(above, false);
      rotate(above, side);
      sibling = child(above, other(side));
    }
    if (!sibling) return;  // no such tree: memory was damaged
    if (black(child(sibling, kLeft)) && black(child(sibling, kRight))) {
      paint(sibling, false);
      node = above;
      above = parent(node);
      continue;
    }
    if (black(child(sibling, other(side)))) {
      paint(child(sibling, side), true);
      paint(sibling, false);
      rotate(sibling, other(side));
      sibling = child(above, other(side));
    }
    paint(sibling, black(above));
    paint(above, true);
    paint(child(sibling, other(side)), true);
    rotate(above, side);
    node = top();
    above = 0;
  }
  if (node) paint(node, true);
}

}  // namespace drydock
