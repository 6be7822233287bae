// SPDX-License-Identifier: Apache-2.0
#include "emulator/loader/btf_sanity.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "base/elf.h"

namespace drydock {
namespace {

bool leads_on(const btf_type* type) { return btf_is_mod(type) || btf_is_typedef(type); }

/// Whether typedefs and modifiers lead in a circle. Every type is followed once: what an earlier
/// walk came through leads somewhere.
class Circles {
 public:
  explicit Circles(const btf* btf) : btf_(btf), walk_of_(btf__type_cnt(btf), 0) {}
  bool found_from(__u32 id) {
    const __u32 walk = id;
    while (leads_on(btf__type_by_id(btf_, id)) && walk_of_[id] == 0) {
      walk_of_[id] = walk;
      id = btf__type_by_id(btf_, id)->type;
    }
    return leads_on(btf__type_by_id(btf_, id)) && walk_of_[id] == walk;
  }

 private:
  const btf* btf_;
  std::vector<__u32> walk_of_;  // by type: the type that the walk through it began at
};

/// Members lie inside of their struct, as the kernel demands too.
bool holds_its_members(const btf* btf, const btf_type* type) {
  for (__u16 i = 0; i < btf_vlen(type); ++i) {
    const __u64 bits = btf_member_bitfield_size(type, i), offset = btf_member_bit_offset(type, i);
    const __s64 size = bits ? 0 : btf__resolve_size(btf, btf_members(type)[i].type);
    if (size < 0) continue;
    if (offset + bits + 8 * static_cast<__u64>(size) > 8 * __u64{type->size}) return false;
  }
  return true;
}

}  // namespace

Status check_object_btf(std::span<const std::byte> elf, const std::string& file) {
  const std::span<const std::byte> bytes = elf_section(elf, ".BTF");
  if (bytes.empty()) return {};
  std::unique_ptr<btf, decltype(&btf__free)> parsed(
      btf__new(bytes.data(), static_cast<__u32>(bytes.size())), btf__free);
  if (!parsed) return {};
  Circles circles(parsed.get());
  for (__u32 id = 1; id < btf__type_cnt(parsed.get()); ++id) {
    const btf_type* type = btf__type_by_id(parsed.get(), id);
    auto bad = [&](const char* what) {
      return std::unexpected(Error{
          ErrorKind::kMalformed, file + ": BTF type " + std::to_string(id) + ": " + what, EINVAL});
    };
    if (btf_is_func_proto(type) && type->type >= btf__type_cnt(parsed.get()))
      return bad("a function returns a type that does not exist");
    if (btf_is_composite(type) && !holds_its_members(parsed.get(), type))
      return bad("a member lies outside of its struct");
    if (circles.found_from(id)) return bad("a typedef or modifier of itself");
  }
  return {};
}

}  // namespace drydock
