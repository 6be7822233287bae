// SPDX-License-Identifier: Apache-2.0
// Every kind of register given to every kind of helper argument: one small traffic-classifier
// program each, and what a kernel says of it. A program is a recipe that leaves a kind of value in
// r7, followed by a call whose argument in question is r7 and whose others are what they should be.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "isa/insn.h"
#include "kernel/btf_fields.h"
#include "kernel/profile.h"
#include "maps/map_rows.h"

namespace drydock::testing {

/// The maps that the programs use, in the order of RegisterMaps::fds.
struct RegisterMap {
  const char* word;  // as "{hash}" in the texts
  MapType type;
  uint32_t key_size, value_size, max_entries, flags;
  enum Btf { kNone, kFields, kNumber } btf = kNone;  // of the value
};
std::vector<RegisterMap> register_maps();
inline constexpr const char* kFrozenMap = "frozen";  // holds kFrozenText, read-only
inline constexpr const char kFrozenText[16] = "%d of %s";

/// BTF of the programs and of their maps' values: the bytes, and the ids of its types.
struct RegisterBtf {
  std::vector<std::byte> bytes;
  uint32_t number = 0;    // int
  uint32_t fields = 0;    // struct with a lock, a timer, a pointer to a task and 8 bytes
  uint32_t function = 0;  // FUNC of main and of callbacks
};
RegisterBtf register_btf();

/// What the texts name by word, as the side that is asked knows it.
struct RegisterNames {
  std::vector<int> map_fds;                    // of register_maps()
  uint32_t percpu_int = 0, percpu_struct = 0;  // BTF ids of per-CPU variables of the kernel
};
/// The ids of a kernel by its BTF.
void find_variables(const Btf& vmlinux, RegisterNames* names);

struct RegisterProgram {
  std::vector<isa::Insn> insns;
  std::vector<uint32_t>
      functions;  // where they start; func_info has RegisterBtf::function for each
};

struct RegisterQuestion {
  std::string argument, value;         // "key of map_lookup_elem", "stack"
  std::vector<std::string> functions;  // texts, main first
};
std::vector<RegisterQuestion> register_questions();
/// Assembles; `names` give the numbers.
RegisterProgram build(const RegisterQuestion& question, const RegisterNames& names);

/// "ok", or the final line of the log (an errno's name without one).
using RegisterOracle = std::function<std::string(const RegisterProgram&)>;

/// The running kernel, with maps and BTF of its own while it lives. `why` says why it cannot be
/// asked, else the oracle is there.
class RegisterHost {
 public:
  /// `profile` is of the running kernel.
  explicit RegisterHost(const Profile& profile);
  ~RegisterHost();
  const std::string& why() const { return why_; }
  const RegisterNames& names() const { return names_; }
  std::string ask(const RegisterProgram& program) const;

 private:
  RegisterNames names_;
  RegisterBtf btf_;
  int btf_fd_ = -1;
  std::string why_;
};

/// The table: a section an argument, a line a message with the values that get it.
std::string register_table(const RegisterNames& names, const RegisterOracle& oracle);

}  // namespace drydock::testing
