// SPDX-License-Identifier: Apache-2.0
#include "answers/typed_questions.h"

#include "contexts/iterators.h"
#include "contexts/lsm_hooks.h"

namespace drydock::testing {
namespace {

// Parameters of the function prototype behind a function, or behind a typedef of a pointer to one.
uint32_t parameters(const Btf& btf, uint32_t id) {
  const BtfType* type = btf.type(id);
  if (type->kind() == BtfKind::kFunc) return btf.type(type->type())->vlen();
  const BtfType* prototype = btf.pointee(id);
  return prototype && prototype->kind() == BtfKind::kFuncProto ? prototype->vlen() : 0;
}

void add_tracepoints(std::vector<TypedTarget>& targets, const Btf& btf) {
  constexpr std::string_view kPrefix = "btf_trace_";
  for (uint32_t id = 1; id < btf.type_count(); ++id) {
    if (btf.type(id)->kind() != BtfKind::kTypedef || !btf.name_of(id).starts_with(kPrefix))
      continue;
    uint32_t count = parameters(btf, id);
    if (count == 0) continue;
    targets.push_back({.name = std::string(btf.name_of(id).substr(kPrefix.size())),
                       .attach = AttachType::kTraceRawTp,
                       .btf_id = id,
                       .arguments = count - 1});  // the first is the tracepoint's own
  }
}

void add_iterators(std::vector<TypedTarget>& targets, const Btf& btf) {
  for (const Iterator& iterator : all_iterators()) {
    uint32_t id = btf.find("bpf_iter_" + std::string(iterator.target), BtfKind::kFunc);
    if (id == 0) continue;
    targets.push_back({.name = "iter " + std::string(iterator.target),
                       .attach = AttachType::kTraceIter,
                       .btf_id = id,
                       .arguments = parameters(btf, id)});
  }
}

void add_lsm_hooks(std::vector<TypedTarget>& targets, const Btf& btf) {
  for (const LsmHook& hook : all_lsm_hooks()) {
    uint32_t id = btf.find("bpf_lsm_" + std::string(hook.name), BtfKind::kFunc);
    if (id == 0) continue;
    targets.push_back({.name = "lsm " + std::string(hook.name),
                       .type = ProgramType::kLsm,
                       .attach = AttachType::kLsmMac,
                       .btf_id = id,
                       .arguments = parameters(btf, id),
                       .trampoline = true});
  }
}

std::string ask(const TypedTarget& target, const Answerer& answerer, std::vector<isa::Insn> insns) {
  insns.push_back({.code = isa::kAlu64 | isa::kMov, .dst = 0, .imm = target.returns});
  insns.push_back({.code = isa::kJmp | isa::kExit});
  std::string message = answerer({.type = target.type,
                                  .attach = target.attach,
                                  .insns = insns,
                                  .attach_btf_id = target.btf_id});
  // With the offset that was asked about: the same words would differ in each line of the table.
  constexpr std::string_view kInvalid = "invalid bpf_context access";
  return message.starts_with(kInvalid) ? std::string(kInvalid) : message;
}

}  // namespace

std::vector<TypedTarget> typed_targets(const Profile& profile) {
  std::vector<TypedTarget> targets;
  add_iterators(targets, *profile.btf());
  add_tracepoints(targets, *profile.btf());
  add_lsm_hooks(targets, *profile.btf());
  return targets;
}

std::map<std::string, std::string> ask_about_target(const TypedTarget& target,
                                                    const Answerer& answerer) {
  std::map<std::string, std::string> messages;
  for (uint32_t n = 0; n <= target.arguments + 1; ++n) {
    auto offset = static_cast<int16_t>(8 * n);
    isa::Insn load{.code = isa::kLdx | isa::kMem | isa::kDw, .dst = 1, .src = 1, .off = offset};
    isa::Insn follow{.code = isa::kLdx | isa::kMem | isa::kDw, .dst = 0, .src = 1};
    isa::Insn narrow{.code = isa::kLdx | isa::kMem | isa::kW, .dst = 1, .src = 1, .off = offset};
    isa::Insn store{.code = isa::kSt | isa::kMem | isa::kDw, .dst = 1, .off = offset};
    std::string argument = std::to_string(n);
    messages["1=" + argument] = ask(target, answerer, {load, follow});
    messages["2=" + argument] = ask(target, answerer, {narrow});
    messages["3=" + argument] = ask(target, answerer, {store});
  }
  return messages;
}

}  // namespace drydock::testing
