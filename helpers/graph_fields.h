// SPDX-License-Identifier: Apache-2.0
// The lists and red-black trees that programs keep in map values and in their own objects. They lie
// in the emulated memory as the kernel lays them out (struct bpf_list_node_kern,
// bpf_rb_node_kern), since their roots and nodes are fields of the program's structs.
//
//   list head   next, prev                     16 bytes; all zeroes: empty, never used
//   list node   next, prev, owner              24
//   tree root   topmost node, leftmost node    16
//   tree node   parent and colour, right, left, owner  32; bit 0 of the first word: black
//
// A node's owner is the head or root that it is in, 0 for none. The tree is the textbook's (Cormen
// et al., chapter 13), which gives the shapes of the kernel's: a program can walk it from its root.
#pragma once

#include <cstdint>
#include <functional>

namespace drydock {

class Machine;

class GraphList {
 public:
  GraphList(Machine& machine, uint64_t head) : machine_(machine), head_(head) {}

  /// False when the node is in some collection already.
  bool push(uint64_t node, bool back);
  /// Behind a node of this list: false when it is not, or when `node` is in some collection.
  bool add(uint64_t node, uint64_t previous);
  /// The node, taken out of this list; 0 when it is not in it.
  uint64_t remove(uint64_t node);
  bool holds(uint64_t node);
  /// The node at that end, taken out; 0 when there is none.
  uint64_t pop(bool back);
  uint64_t peek(bool back);
  /// Is it the node at that end?
  bool is_end(uint64_t node, bool back) { return holds(node) && peek(back) == node; }

 private:
  bool link(uint64_t node, uint64_t previous, uint64_t next);
  /// Map values start as zeroes: the first use makes the head point to itself.
  void initialize();
  Machine& machine_;
  uint64_t head_;
};

class GraphTree {
 public:
  GraphTree(Machine& machine, uint64_t root) : machine_(machine), root_(root) {}

  using Less = std::function<bool(uint64_t node, uint64_t other)>;
  /// False when the node is in some collection already. `less` is asked on the way down.
  bool add(uint64_t node, const Less& less);
  /// False when the node is not in this tree.
  bool remove(uint64_t node);
  uint64_t top() { return word(root_); }
  uint64_t first() { return word(root_ + 8); }
  bool holds(uint64_t node);
  uint64_t left(uint64_t node) { return child(node, kLeft); }
  uint64_t right(uint64_t node) { return child(node, kRight); }

 private:
  enum Side : bool { kRight, kLeft };
  static Side other(Side side) { return side == kLeft ? kRight : kLeft; }

  uint64_t word(uint64_t at);
  void set_word(uint64_t at, uint64_t value);
  uint64_t child(uint64_t node, Side side) { return word(node + (side == kLeft ? 16 : 8)); }
  void set_child(uint64_t node, Side side, uint64_t value) {
    set_word(node + (side == kLeft ? 16 : 8), value);
  }
  uint64_t parent(uint64_t node) { return word(node) & ~uint64_t{1}; }
  void set_parent(uint64_t node, uint64_t to) { set_word(node, to | (word(node) & 1)); }
  bool black(uint64_t node) { return !node || (word(node) & 1); }
  void paint(uint64_t node, bool black) { set_word(node, parent(node) | black); }
  Side side_of(uint64_t node) { return child(parent(node), kLeft) == node ? kLeft : kRight; }

  void rotate(uint64_t node, Side side);
  void replace(uint64_t node, uint64_t by);
  uint64_t next(uint64_t node);
  void mend_after_add(uint64_t node);
  void mend_after_remove(uint64_t node, uint64_t above);

  Machine& machine_;
  uint64_t root_;
};

}  // namespace drydock
