// SPDX-License-Identifier: Apache-2.0
// What BPF_BTF_LOAD checks before it takes a program's BTF, with the log that it writes: a line a
// type, and at the end the one that could not be accepted.
//
// Kernel's counterpart: btf_parse() of kernel/bpf/btf.c. There each kind has a table of functions;
// here the first pass (btf_check_meta.cc: every type by itself) is a list of rules a kind, and the
// second (btf_check_resolve.cc: what types refer to) one walk over the edges of the type graph,
// with the kernel's limits and its order, on which the message that comes first depends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/btf.h"
#include "kernel/btf_format.h"

namespace drydock {

class Profile;

struct BtfCheckResult {
  int err = 0;      // positive errno; 0: accepted
  std::string log;  // the kernel's text, whole
};
/// What a kernel takes; by itself, the newest.
struct BtfRules {
  BtfKind last_kind = BtfKind::kEnum64;
  bool empty_sections = true;  // DATASEC without a variable
};
/// Those of a profile's kernel.
BtfRules btf_rules(const Profile& profile);

/// `with_log` false leaves the log empty.
BtfCheckResult check_btf(std::span<const std::byte> bytes, bool with_log, BtfRules rules = {});

namespace btf_check {

/// BTF of which only the header is trusted: ids and names may lead nowhere.
struct Image {
  std::span<const std::byte> bytes;
  BtfHeader header{};
  BtfRules rules{};
  std::string_view strings;
  std::vector<std::vector<uint32_t>> types;  // words of each type, [0] for void; aligned copies

  const BtfType* type(uint32_t id) const {
    return id < types.size() ? reinterpret_cast<const BtfType*>(types[id].data()) : nullptr;
  }
  bool has_name(uint32_t offset) const { return offset < strings.size(); }
  std::string_view name(uint32_t offset) const {
    return has_name(offset) ? std::string_view(strings.data() + offset) : std::string_view{};
  }
};

class Log {
 public:
  Log(const Image& image, bool on) : image_(image), on_(on) {}
  bool on() const { return on_; }
  std::string& text() { return text_; }

  void line(std::string_view message);
  /// "[3] STRUCT name size=8 vlen=2 message", the details left out for a type that is cut off.
  void type(uint32_t id, const BtfType& t, std::string_view message = {}, bool details = true);
  void member(uint32_t id, const BtfType& parent, const BtfMember& m, std::string_view message,
              bool with_parent);
  void variable(uint32_t id, const BtfType& section, const BtfVarSecinfo& v,
                std::string_view message, bool with_section);

 private:
  std::string name(uint32_t offset) const;
  void add_details(const BtfType& t);
  const Image& image_;
  bool on_;
  std::string text_;
};

/// Identifier as C has it, with dots; at most 511 bytes.
bool is_identifier(std::string_view name);
/// Printable text.
bool is_section_name(std::string_view name);
/// An int whose bits are all of its 1, 2, 4, 8 or 16 bytes.
bool is_regular_int(const BtfType& t);

int check_all_metas(Image& image, Log& log);
int check_all_references(const Image& image, Log& log);

}  // namespace btf_check
}  // namespace drydock
