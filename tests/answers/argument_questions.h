// SPDX-License-Identifier: Apache-2.0
// Helpers called with every kind of value in every argument: the others hold something sensible,
// one holds in turn a number, a pointer of each kind, a map of each type, or nothing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "answers/helper_questions.h"
#include "answers/host_bpf.h"
#include "helpers/helper_row.h"
#include "kernel/uapi.h"

namespace drydock::testing {

/// A prototype and a program that may call it.
struct Prototype {
  const HelperRow* row = nullptr;  // a helper's own or a variant
  HelperAsker asker;
  std::string name() const;  // "sk_storage_get (sk_storage_get_tracing)"
};

/// Every prototype that some program of the profile may call, with the first program that may; one
/// that needs no trampoline where there is.
std::vector<Prototype> prototypes(const Profile& profile);

/// A value to put into an argument, and its name: "scalar", "stack", "map hash".
struct Value {
  enum class Kind {
    kZero,
    kEight,
    kMinusOne,
    kUnknown,
    kBounded,
    kContext,
    kStack,
    kStackUninit,
    kStackTop,
    kStackBelow,
    kMap,
    kMapValue,
    kMapValueOrNull,
    kPacket,
    kTask,
    kUninit,
  } kind{};
  MapType map{};  // kMap
  std::string name() const;
};

/// The values worth trying in that argument of that prototype.
std::vector<Value> values_for(const Prototype& prototype, size_t argument, const Profile& profile);

/// Descriptors of maps to write into programs.
using MapFds = std::function<std::optional<int>(MapType)>;

/// The program: argument `argument` (from 0) holds `value`, the others something sensible. nullopt
/// when it needs a map that there is none of.
std::optional<std::vector<isa::Insn>> argument_program(const Prototype& prototype, size_t argument,
                                                       const Value& value, const Profile& profile,
                                                       const MapFds& maps);

/// "1 scalar" and so on with their messages, by whoever answers a question with a message.
using Answerer = std::function<std::string(const HostQuestion&)>;
std::map<std::string, std::string> ask_about_arguments(const Prototype& prototype,
                                                       const Profile& profile, const MapFds& maps,
                                                       const Answerer& answerer);

}  // namespace drydock::testing
