// SPDX-License-Identifier: Apache-2.0
// The kernel's own objects in an emulated run: task_struct, sock, cgroup, inode, file... Each is a
// region of memory laid out by the profile's BTF, so that a program that walks it by CO-RE offsets
// finds each field where that kernel keeps it. Fields are named by path ("mm.start_brk",
// "__sk_common.skc_family", "cgroups->dfl_cgrp"): a dot goes into a struct, an arrow (or a dot
// after a pointer) follows a pointer.
//
// Nothing is guessed: a struct or a field that the profile does not have is an error that names it.
// References are counted, so that a case can see what a program leaked.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/btf.h"
#include "memory/memory.h"

namespace drydock {

/// Where a field lies and what it holds.
struct FieldPlace {
  uint32_t offset = 0;      // bytes from the struct's start
  uint32_t size = 0;        // bytes of the whole field
  uint32_t bit_offset = 0;  // within the first byte at `offset`, for bit fields
  uint32_t bit_size = 0;    // 0: no bit field
  uint32_t type_id = 0;     // without modifiers
  bool is_signed = false;
  bool is_pointer = false;
};

class KernelObjects {
 public:
  KernelObjects(Memory& memory, std::shared_ptr<const Btf> btf)
      : memory_(memory), btf_(std::move(btf)) {}

  struct Object {
    uint64_t address = 0;
    uint32_t type_id = 0;  // struct in the profile's BTF
    std::string struct_name;
    std::string label;  // "task 42"
    int64_t references = 1;
  };

  /// A zeroed object of a struct of the profile. `extra` bytes follow it (flexible array members).
  Result<uint64_t> make(std::string_view struct_name, std::string_view label, uint32_t extra = 0);
  /// Takes back what make() made; nothing points to it any more.
  void forget(uint64_t address);
  /// The object that starts at the address, or nullptr.
  Object* at(uint64_t address);
  const std::map<uint64_t, Object>& all() const { return objects_; }

  Result<FieldPlace> place(std::string_view struct_name, std::string_view field) const;
  /// Reads and writes numbers and pointers; through pointers too. Reading through NULL gives 0, as
  /// a program's own load would. Writing through a NULL pointer makes the object it should point
  /// to.
  Result<uint64_t> get(uint64_t address, std::string_view struct_name, std::string_view path) const;
  Status set(uint64_t address, std::string_view struct_name, std::string_view path, uint64_t value);
  /// Bytes of a field that is an array (a comm, an address); at most its size, zero-filled.
  Status set_bytes(uint64_t address, std::string_view struct_name, std::string_view path,
                   std::span<const std::byte> bytes);
  Result<std::vector<std::byte>> get_bytes(uint64_t address, std::string_view struct_name,
                                           std::string_view path) const;
  /// A NUL-terminated text of its own, for `const char *` fields.
  uint64_t make_string(std::string_view text);

  /// get() for a field that every profile with BTF has; 0 where it has not.
  uint64_t value(uint64_t address, std::string_view struct_name, std::string_view path) const {
    return get(address, struct_name, path).value_or(0);
  }

  /// Some objects have two faces: the UAPI struct that a program reads (bpf_sock) and the kernel's
  /// own behind it (sock). `view` then stands for `object`.
  void add_view(uint64_t view, uint64_t object) { views_[view] = object; }
  /// The kernel's object that an address stands for (itself, where it has one face only).
  uint64_t canonical(uint64_t address) const {
    auto found = views_.find(address);
    return found == views_.end() ? address : found->second;
  }
  /// The face that programs read, or 0.
  uint64_t view_of(uint64_t object) const {
    for (const auto& [view, behind] : views_)
      if (behind == object) return view;
    return 0;
  }

  void acquire(uint64_t address);
  /// False when the count was 0 already.
  bool release(uint64_t address);

  const Btf& btf() const { return *btf_; }
  Memory& memory() { return memory_; }

 private:
  Result<FieldPlace> member_place(uint32_t struct_id, std::string_view name) const;
  /// Follows a path to its last struct; makes what is missing on the way when `build`.
  struct Target {
    uint64_t address = 0;  // 0: through NULL
    FieldPlace place;
  };
  Result<Target> resolve(uint64_t address, std::string_view struct_name, std::string_view path,
                         bool build);

  Memory& memory_;
  std::shared_ptr<const Btf> btf_;
  std::map<uint64_t, Object> objects_;
  std::map<uint64_t, uint64_t> views_;
};

}  // namespace drydock
