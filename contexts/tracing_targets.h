// SPDX-License-Identifier: Apache-2.0
// What a kernel knows of the functions and tracepoints that programs attach to, beyond their
// types: which it never lets trace, whose return value may be changed, where a program may sleep,
// which arguments of a tracepoint may be NULL.
//
// Kernel's counterpart: its denylists, the error injection list, the sets of modifiable functions
// and the table of tracepoints' nullable arguments. Functions are known by name here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernel/profile.h"

namespace drydock {

/// fentry, fexit and fmod_ret are refused: "Attaching tracing programs to function '%s' is
/// rejected."
bool tracing_denied(std::string_view function, const Profile& profile);

/// fexit and fmod_ret are refused: "Attaching fexit/fmod_ret to __noreturn function '%s' is
/// rejected."
bool never_returns(std::string_view function, const Profile& profile);

/// An fmod_ret program may attach: security hooks, functions made for it, and where the kernel was
/// built with error injection those that allow it. Else "%s() is not modifiable".
bool may_modify_return(std::string_view function, const Profile& profile);

/// A sleepable fentry, fexit or fmod_ret program may attach. Else "%s is not sleepable".
bool may_sleep_at(std::string_view function, const Profile& profile);

/// What may be in a tracepoint's arguments instead of a valid pointer.
struct RawTracepointArgs {
  uint64_t nullable = 0;  // bit n: argument n (from 0)
  uint64_t error = 0;     // bit n: may be an errno, so that it is a scalar to the program
};
/// nullopt when there is no row for that tracepoint (name without "btf_trace_").
std::optional<RawTracepointArgs> raw_tracepoint_args(std::string_view tracepoint,
                                                     const Profile& profile);

}  // namespace drydock
