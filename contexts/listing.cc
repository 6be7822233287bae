// SPDX-License-Identifier: Apache-2.0
#include "contexts/listing.h"

#include <algorithm>

namespace drydock {
namespace {

std::string_view pointed_to(RegType base) {
  switch (base) {
    case kPtrToPacket: return "packet";
    case kPtrToPacketEnd: return "packet end";
    case kPtrToPacketMeta: return "packet meta data";
    case kPtrToFlowKeys: return "flow keys";
    case kPtrToSocket: return "socket";
    case kPtrToSockCommon: return "sock_common";
    case kPtrToTpBuffer: return "tracepoint buffer";
    case kPtrToBuf: return "buffer";
    default: return "pointer";
  }
}

std::string yields_text(RegType type, std::string_view btf_type) {
  if (type == kScalar) return "";
  std::string text = btf_type.empty() ? std::string(pointed_to(base_type(type)))
                                      : "struct " + std::string(btf_type);
  if (type & kPtrTrusted) text += ", trusted";
  if (type & kMemRdonly) text += ", read only";
  if (type & kPtrMaybeNull) text += " or null";
  return text;
}

// The widths that rows of one field add up to, for that kind of program.
std::vector<FieldListing> fields_of(const ContextStruct& context, ProgramType type,
                                    AttachType attach, const Profile& profile) {
  std::vector<FieldListing> fields;
  for (const ContextField& row : context.fields) {
    if (row.untranslated) continue;
    Widths read = may_read(row, type, attach, profile) ? row.read : kNever;
    Widths write = may_write(row, type, attach, profile) ? row.write : kNever;
    if ((read | write) == kNever || row.name.empty()) continue;
    bool continues = !fields.empty() && fields.back().name == row.name;
    if (!continues)
      fields.push_back({.name = row.name,
                        .offset = row.offset,
                        .size = row.size,
                        .elements = row.element ? row.size / row.element : 1,
                        .order = row.order});
    FieldListing& field = fields.back();
    field.read |= read;
    field.write |= write;
    if (std::string yields = yields_text(row.yields, row.btf_type); !yields.empty())
      field.yields = yields;
  }
  return fields;
}

bool wanted(const ListFilter& filter, ProgramType type) {
  return !filter.program_type || *filter.program_type == type;
}

// The attach types to list a program type's context for; one "none" where they make no difference.
std::vector<std::optional<AttachType>> attach_types_of(
    const ProgramRules& rules, const Profile& profile, const ListFilter& filter) {
  std::vector<std::optional<AttachType>> types;
  bool matters = rules.attach_type_checked || rules.type == ProgramType::kXdp;
  if (!rules.attach_type_checked && !filter.attach_type) types.push_back(std::nullopt);
  for (AttachType attach : all_attach_types()) {
    if (!has(rules.attach_types, attach) || !has_attach_type(attach, profile)) continue;
    bool asked = filter.attach_type && *filter.attach_type == attach;
    if (asked || (matters && !filter.attach_type)) types.push_back(attach);
  }
  return types;
}

void list_rows(std::vector<ContextListing>& listing, const ProgramRules& rules,
               const ContextStruct& context, const Profile& profile, const ListFilter& filter) {
  for (std::optional<AttachType> attach : attach_types_of(rules, profile, filter))
    listing.push_back({.name = context.name,
                       .size = context.size,
                       .kind = context.kind,
                       .program_type = rules.type,
                       .attach_type = attach,
                       .fields =
                           fields_of(context, rules.type, attach.value_or(AttachType{}), profile)});
}

// The context of an iterator is what BTF says of bpf_iter__TARGET.
void list_iterator(std::vector<ContextListing>& listing, const Iterator& iterator,
                   const Profile& profile) {
  const Btf& btf = *profile.btf();
  std::string name = "bpf_iter__" + std::string(iterator.target);
  const BtfType* type = btf.type(btf.find(name, BtfKind::kStruct));
  if (!type || !type->is_struct_or_union()) return;
  ContextListing context{.name = btf.name_of(*type),
                         .size = type->size(),
                         .kind = ContextKind::kBtf,
                         .program_type = ProgramType::kTracing,
                         .attach_type = AttachType::kTraceIter,
                         .attach_to = "bpf_iter_" + std::string(iterator.target)};
  for (const BtfMember& member : type->members()) {
    uint32_t offset = type->member_bit_offset(member) / 8;
    const IteratorArg* arg = iterator.arg_at(offset);
    // Every __bpf_md_ptr is an anonymous union of the pointer and eight bytes.
    std::string_view member_name = btf.name_of(member);
    const BtfType* inner = btf.type(member.type);
    if (member_name.empty() && inner && inner->is_struct_or_union() && inner->vlen() > 0)
      member_name = btf.name_of(inner->members()[0]);
    context.fields.push_back({.name = member_name,
                              .offset = offset,
                              .size = btf.size_of(member.type).value_or(8),
                              .read = arg || offset == 0 ? kW8 : kAnyWidth,
                              .yields = arg           ? yields_text(arg->type, arg->btf_type)
                                        : offset == 0 ? "struct bpf_iter_meta, trusted"
                                                      : ""});
  }
  listing.push_back(std::move(context));
}

bool lists_iterators(const ListFilter& filter) {
  return wanted(filter, ProgramType::kTracing) &&
         (!filter.attach_type || *filter.attach_type == AttachType::kTraceIter);
}

bool sleepable_somewhere(const ProgramRules& rules, const Profile& profile) {
  if (can_be_sleepable(rules.type, AttachType{}, profile)) return true;
  return std::ranges::any_of(all_attach_types(), [&](AttachType attach) {
    return has(rules.attach_types, attach) && can_be_sleepable(rules.type, attach, profile);
  });
}

// One text where all attach types agree, else the filter's or "depends on the attach type".
std::string returns_text(const ProgramRules& rules, const Profile& profile,
                         const ListFilter& filter) {
  if (filter.attach_type) return text_of(return_rule(rules.type, *filter.attach_type, profile));
  std::optional<std::string> common;
  for (AttachType attach : all_attach_types()) {
    if (!has(rules.attach_types, attach)) continue;
    std::string text = text_of(return_rule(rules.type, attach, profile));
    if (common && *common != text) return "depends on the attach type";
    common = text;
  }
  return common ? *common : text_of(return_rule(rules.type, AttachType{}, profile));
}

}  // namespace

std::vector<ContextListing> list_contexts(const Profile& profile, const ListFilter& filter) {
  std::vector<ContextListing> listing;
  for (const ProgramRules& rules : all_program_rules()) {
    if (!wanted(filter, rules.type) || !has_program_type(rules.type, profile)) continue;
    list_rows(listing, rules, *context_struct(rules.type), profile, filter);
  }
  if (lists_iterators(filter))
    for (const Iterator& iterator : all_iterators())
      if (has_iterator(iterator, profile)) list_iterator(listing, iterator, profile);
  return listing;
}

std::vector<ProgramListing> list_programs(const Profile& profile, const ListFilter& filter) {
  std::vector<ProgramListing> listing;
  for (const ProgramRules& rules : all_program_rules()) {
    if (!wanted(filter, rules.type) || !has_program_type(rules.type, profile)) continue;
    if (filter.attach_type && !has(rules.attach_types, *filter.attach_type)) continue;
    ProgramListing program{.type = rules.type,
                           .context = context_struct(rules.type)->name,
                           .attach_type_required = rules.attach_type_checked,
                           .sleepable = sleepable_somewhere(rules, profile),
                           .returns = returns_text(rules, profile, filter),
                           .rules = &rules};
    for (AttachType attach : all_attach_types())
      if (has(rules.attach_types, attach) && has_attach_type(attach, profile))
        program.attach_types.push_back(attach);
    for (const SectionRule& section : all_sections())
      if (section.type == rules.type &&
          (!filter.attach_type || section.attach_type == filter.attach_type))
        program.sections.push_back(section.name);
    listing.push_back(std::move(program));
  }
  return listing;
}

std::string text_of(Widths widths) {
  std::string text;
  for (uint32_t width : {1u, 2u, 4u, 8u})
    if (widths & width) text += (text.empty() ? "" : ", ") + std::to_string(width);
  return text;
}

std::string text_of(const ReturnRule& rule) {
  switch (rule.kind) {
    case ReturnRule::Kind::kAnything: return "anything";
    case ReturnRule::Kind::kRange:
      if (rule.range.min == rule.range.max) return std::to_string(rule.range.min);
      return std::to_string(rule.range.min) + " to " + std::to_string(rule.range.max);
    case ReturnRule::Kind::kLsmHook: return "decided by the hook";
    case ReturnRule::Kind::kLsmCgroup: return "0 to 1, for a void hook 1";
    case ReturnRule::Kind::kStructOps: return "decided by the member";
    case ReturnRule::Kind::kUnsupported: return "not supported";
  }
  return "";
}

}  // namespace drydock
