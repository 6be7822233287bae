// SPDX-License-Identifier: Apache-2.0
// Every helper id asked of every program type and attach type that a kernel loads: `call id; exit`
// with nothing but the context in r1. The kernel's answer is its verdict and its message; the rows
// alone answer for the part of it that they decide (whether the helper may be called here).
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "answers/host_bpf.h"
#include "helpers/helper_row.h"

namespace drydock::testing {

/// A kind of program to ask as.
struct HelperAsker {
  std::string name;  // "cgroup_sock cgroup_inet_sock_create", "tracing trace_iter bpf_iter_task.s"
  CallSite site;
  uint32_t attach_btf_id = 0;
  uint32_t load_flags = 0;
  AttachType load_attach{};  // what BPF_PROG_LOAD is given; a struct_ops member's index
  bool trampoline = false;   // loads only where the kernel can make trampolines
};

/// What a kernel of that profile loads: each program type and attach type, tp_btf, fentry, fexit
/// and fmod_ret of functions with rules of their own, the iterators, LSM hooks of each kind,
/// tcp_congestion_ops members, each sleepable where that is possible, and once more without a GPL
/// licence.
std::vector<HelperAsker> helper_askers(const Profile& profile);

/// The answer in words: "ok", or the kernel's message with the helper's own name and number taken
/// out ("%helper").
using HelperOracle = std::function<std::string(const HelperAsker&, HelperId)>;

/// What the rows say of calling the helper at all; "may be called" when they allow it.
HelperOracle helper_rows_oracle(const Profile& profile);
/// The running kernel's message, whole.
HelperOracle helper_host_oracle();

/// The program of a question, and the question around it (which refers to the instructions).
std::array<isa::Insn, 3> helper_program(const HelperAsker& asker, HelperId id);
HostQuestion helper_question(const HelperAsker& asker, std::span<const isa::Insn> insns);
/// A message with that helper's name and number as "%helper".
std::string without_helper(std::string message, HelperId id);

/// What the rows could know of a kernel's message: its own text where it is about calling the
/// helper at all, "may be called" for everything else.
std::string about_calling(std::string_view message);

/// The last id asked: one past the last helper.
inline HelperId last_helper_asked() { return helper_count(); }

}  // namespace drydock::testing
