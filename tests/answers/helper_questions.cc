// SPDX-License-Identifier: Apache-2.0
#include "answers/helper_questions.h"

#include "contexts/program_rules.h"

namespace drydock::testing {
namespace {

constexpr std::string_view kMayBeCalled = "may be called";

}  // namespace

std::string without_helper(std::string text, HelperId id) {
  const HelperRow* row = helper_row(id);
  std::string name = (row       ? "bpf_" + std::string(row->name)
                      : id == 0 ? "bpf_unspec"
                                : "unknown") +
                     "#" + std::to_string(id);
  for (size_t at; (at = text.find(name)) != std::string::npos;)
    text.replace(at, name.size(), "%helper");
  return text;
}

std::array<isa::Insn, 3> helper_program(const HelperAsker& asker, HelperId id) {
  ReturnRule rule = return_rule(asker.site.program_type, asker.site.attach_type);
  return {{{.code = isa::kJmp | isa::kCall, .imm = static_cast<int32_t>(id)},
           {.code = isa::kAlu64 | isa::kMov, .dst = 0, .imm = rule.range.max > 0 ? 1 : 0},
           {.code = isa::kJmp | isa::kExit}}};
}

HostQuestion helper_question(const HelperAsker& asker, std::span<const isa::Insn> insns) {
  return {.type = asker.site.program_type,
          .attach = asker.load_attach,
          .insns = insns,
          .license = asker.site.gpl ? "GPL" : "Proprietary",
          .flags = asker.load_flags,
          .attach_btf_id = asker.attach_btf_id};
}

HelperOracle helper_rows_oracle(const Profile& profile) {
  return [&profile](const HelperAsker& asker, HelperId id) -> std::string {
    if (!has_program_type(asker.site.program_type, profile)) return "no message, Invalid argument";
    HelperAvailability answer = helper_for(id, asker.site, profile);
    switch (answer.kind) {
      case HelperAvailability::Kind::kUnknownId: return "invalid func %helper";
      case HelperAvailability::Kind::kNotForProgram:
        return "program of this type cannot use helper %helper";
      case HelperAvailability::Kind::kAllowed: break;
    }
    const HelperRow& row = *answer.row;
    if (!asker.site.gpl && (row.flags & kHelperGplOnly))
      return "cannot call GPL-restricted function from non-GPL compatible program";
    if (!answer.allowed_at_hook) return "helper call is not allowed in probe";
    if (!asker.site.sleepable && (row.flags & kHelperMightSleep))
      return "helper call might sleep in a non-sleepable prog";
    return std::string(kMayBeCalled);
  };
}

HelperOracle helper_host_oracle() {
  return [](const HelperAsker& asker, HelperId id) -> std::string {
    auto insns = helper_program(asker, id);
    return without_helper(host_message(helper_question(asker, insns)), id);
  };
}

std::string about_calling(std::string_view message) {
  constexpr std::string_view kOwn[] = {"invalid func",
                                       "program of this type cannot use",
                                       "cannot call GPL-restricted",
                                       "helper call is not allowed",
                                       "helper call might sleep",
                                       "no message"};
  for (std::string_view own : kOwn)
    if (message.starts_with(own)) return std::string(message);
  return std::string(kMayBeCalled);
}

}  // namespace drydock::testing
