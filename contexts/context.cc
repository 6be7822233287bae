// SPDX-License-Identifier: Apache-2.0
#include "contexts/context.h"

#include <algorithm>
#include <array>

#include "contexts/rows.h"
#include "kernel/features.h"

namespace drydock {
namespace {

// In the order of the listings.
// clang-format off
const std::array kStructs{
    &rows::kSkBuff,       &rows::kXdpMd,         &rows::kBpfSock,
    &rows::kBpfSockAddr,  &rows::kBpfSockOps,    &rows::kBpfSockopt,
    &rows::kBpfSysctl,    &rows::kBpfCgroupDevCtx, &rows::kSkMsgMd,
    &rows::kSkReuseportMd, &rows::kBpfSkLookup,  &rows::kNfCtx,
    &rows::kPtRegs,       &rows::kTraceRecord,   &rows::kRawTracepointArgs,
    &rows::kWritableTracepointArgs, &rows::kPerfEventData, &rows::kSyscallCtx,
    &rows::kLirc,         &rows::kTypedArguments, &rows::kExtended,
    &rows::kBpfTcpSock,   &rows::kBpfXdpSock,    &rows::kBpfFlowKeys,
};
// clang-format on

bool exists(const ContextField& field, const Profile& profile) {
  return within(profile.version(), field.since, field.until);
}

constexpr bool is_width(uint32_t size) { return size == 1 || size == 2 || size == 4 || size == 8; }

// Where the access lies, apart from who asks.
bool lies_in(const ContextField& field, int32_t offset, uint32_t size) {
  auto begin = static_cast<uint32_t>(offset);
  if (begin < field.offset || begin >= field.offset + field.size) return false;
  if (field.begins == Begins::kAtStart && begin != field.offset) return false;
  return field.may_end_outside || begin + size <= field.offset + field.size;
}

bool admits(const ContextField& field, const ContextQuery& query, const Profile& profile) {
  if (!lies_in(field, query.offset, query.size)) return false;
  bool read = query.access == Access::kRead;
  if (!((read ? field.read : field.write) & query.size)) return false;
  if (query.sign_extending_load && !field.sign_extends) return false;
  if (has(field.needs_bpf, query.program_type) && !query.bpf_capable) return false;
  return read ? may_read(field, query.program_type, query.attach_type, profile)
              : may_write(field, query.program_type, query.attach_type, profile);
}

ContextAccess access_to(const ContextField& field, const Profile& profile) {
  ContextAccess access{.yields = field.yields, .field_size = field.narrow_of};
  access.untranslated = field.untranslated;
  if (base_type(field.yields) == kPtrToBtfId) {
    access.btf = profile.btf().get();
    access.btf_id = access.btf->find(field.btf_type, BtfKind::kStruct);
  }
  return access;
}

}  // namespace

const ContextStruct* context_struct(ProgramType type) {
  for (const ContextStruct* context : kStructs)
    if (has(context->program_types, type)) return context;
  return nullptr;
}

const ContextStruct* context_struct_named(std::string_view name) {
  auto at = std::ranges::find(kStructs, name, &ContextStruct::name);
  return at != kStructs.end() ? *at : nullptr;
}

std::span<const ContextStruct* const> all_context_structs() { return kStructs; }

bool may_read(const ContextField& field, ProgramType type, AttachType attach,
              const Profile& profile) {
  return field.read != kNever && has(field.readers, type) && has(field.read_at, attach) &&
         exists(field, profile);
}

bool may_write(const ContextField& field, ProgramType type, AttachType attach,
               const Profile& profile) {
  return field.write != kNever && has(field.writers, type) && has(field.write_at, attach) &&
         exists(field, profile) && within(profile.version(), field.write_since, "");
}

/// The kernel compares the offset into a trace record with its lower bound as an unsigned number
/// and with its upper bound as a signed one: every aligned negative offset passes (asked: 6.18.44).
static std::optional<ContextAccess> below_start(const ContextStruct& context,
                                                const ContextQuery& query) {
  const bool passes = &context == &rows::kTraceRecord && query.access == Access::kRead &&
                      query.offset % static_cast<int32_t>(query.size) == 0;
  if (!passes) return std::nullopt;
  return ContextAccess{};
}

std::optional<ContextAccess> context_access(const ContextQuery& query, const Profile& profile) {
  const ContextStruct* context = context_struct(query.program_type);
  if (!context || !is_width(query.size)) return std::nullopt;
  if (query.offset < 0) return below_start(*context, query);
  bool any_alignment =
      query.program_type == ProgramType::kSyscall && profile.has(Feature::kSyscallContextUnaligned);
  if (!any_alignment && static_cast<uint32_t>(query.offset) % query.size != 0) return std::nullopt;
  for (const ContextField& field : context->fields)
    if (admits(field, query, profile)) return access_to(field, profile);
  return std::nullopt;
}

std::optional<ContextAccess> socket_access(RegType socket, int32_t offset, uint32_t size) {
  if (offset < 0 || !is_width(size) || static_cast<uint32_t>(offset) % size != 0)
    return std::nullopt;
  const ContextStruct* target = nullptr;
  switch (base_type(socket)) {
    case kPtrToSockCommon:
      // A socket that may be a request or in TIME_WAIT has no type, protocol, mark or priority.
      if (offset >= 8 && offset < 24) return std::nullopt;
      [[fallthrough]];
    case kPtrToSocket: target = &rows::kBpfSock; break;
    case kPtrToTcpSock: target = &rows::kBpfTcpSock; break;
    case kPtrToXdpSock: target = &rows::kBpfXdpSock; break;
    default: return std::nullopt;
  }
  for (const ContextField& field : target->fields)
    if (lies_in(field, offset, size) && (field.read & size))
      return ContextAccess{.field_size = field.narrow_of};
  return std::nullopt;
}

}  // namespace drydock
