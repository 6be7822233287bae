// SPDX-License-Identifier: Apache-2.0
// Contexts and program types as a reader wants them listed: resolved for one kernel and, where
// asked for, one program type and attach type. `drydock list contexts` and `list programs` print
// these; so do the generated pages.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contexts/context_rows.h"
#include "contexts/iterators.h"
#include "contexts/program_rules.h"
#include "kernel/profile.h"

namespace drydock {

struct ListFilter {
  std::optional<ProgramType> program_type = {};
  std::optional<AttachType> attach_type = {};
};

/// A field as that kind of program sees it: only fields that it can read or write.
struct FieldListing {
  std::string_view name;
  uint32_t offset = 0, size = 0;
  uint32_t elements = 1;
  Widths read = kNever, write = kNever;
  ByteOrder order = ByteOrder::kHost;
  std::string yields;  // "" for a number, "packet", "sock_common or null", "struct sk_buff"
};

struct ContextListing {
  std::string_view name;  // "bpf_sock_addr", "bpf_iter__task"
  uint32_t size = 0;
  ContextKind kind{};
  ProgramType program_type{};
  std::optional<AttachType> attach_type = {};  // where the fields depend on it
  std::string attach_to = {};                  // iterators: "bpf_iter_task"
  std::vector<FieldListing> fields = {};
};

/// A context for each program type and, where they differ, attach type that the kernel has.
/// Attach types that see the same fields are listed apart. Iterators come with their arguments.
std::vector<ContextListing> list_contexts(const Profile& profile, const ListFilter& filter = {});

struct ProgramListing {
  ProgramType type{};
  std::string_view context;
  std::vector<AttachType> attach_types;
  bool attach_type_required = false;
  std::vector<std::string_view> sections;  // in libbpf's order
  bool sleepable = false;                  // can be, for one of its attach types at least
  std::string returns;                     // "0 to 1", "anything", "decided by the hook"
  const ProgramRules* rules = nullptr;
};

std::vector<ProgramListing> list_programs(const Profile& profile, const ListFilter& filter = {});

/// "1, 2, 4" for a set of widths; "" for none.
std::string text_of(Widths widths);
/// "0 to 1", "0", "anything", ...
std::string text_of(const ReturnRule& rule);

}  // namespace drydock
