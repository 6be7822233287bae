// SPDX-License-Identifier: Apache-2.0
// Objects that a program allocates itself (bpf_obj_new, bpf_percpu_obj_new): structs of its own
// BTF, with the special fields that the BTF record tells.
//
// Kernel's counterpart: bpf_global_ma and bpf_obj_free_fields(). We differ on purpose: new objects
// hold zeroes, and a dropped one is gone at once, so that a stale pointer is a fault.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernel/btf_fields.h"
#include "memory/memory.h"

namespace drydock {

class Machine;
class Profile;

struct LocalObject {
  Region* region = nullptr;
  const BtfRecord* record = nullptr;  // null: no special fields
};

class LocalObjects {
 public:
  explicit LocalObjects(Memory& memory) : memory_(memory) {}

  /// A zeroed struct `type_id` of a program's BTF, `copies` of it for one a CPU; its address, 0
  /// when there is no such struct.
  uint64_t make(const std::shared_ptr<const Btf>& btf, const Profile& profile, uint32_t type_id,
                uint32_t copies);
  /// The object that holds the address, or nullptr.
  const LocalObject* at(uint64_t address) const;
  void free(uint64_t base);
  size_t alive() const { return objects_.size(); }

 private:
  const BtfRecord* record_of(const std::shared_ptr<const Btf>& btf, const Profile& profile,
                             uint32_t type_id);

  Memory& memory_;
  std::map<uint64_t, LocalObject> objects_;  // by base
  std::map<std::shared_ptr<const Btf>, std::vector<StructMeta>> metas_;
};

/// Gives up a reference to an object: at the last one its fields are emptied (what collections and
/// kernel pointers own is dropped as well) and it is freed.
void drop_local_object(Machine& machine, uint64_t address);

}  // namespace drydock
