// SPDX-License-Identifier: Apache-2.0
#include "referee/target.h"

namespace drydock::referee {
namespace {

struct KindName {
  Answer::Kind kind;
  std::string_view name;
};
// clang-format off
constexpr KindName kKinds[] = {
    {Answer::Kind::kAccepted, "accepted"},       {Answer::Kind::kRejected, "rejected"},
    {Answer::Kind::kNotLoaded, "not_loaded"},    {Answer::Kind::kTimedOut, "timed_out"},
    {Answer::Kind::kCrashed, "crashed"},         {Answer::Kind::kUnsupported, "unsupported"},
    {Answer::Kind::kInternalError, "internal_error"},
};
// clang-format on

}  // namespace

std::string_view name_of(Answer::Kind kind) {
  for (const KindName& k : kKinds)
    if (k.kind == kind) return k.name;
  return {};
}

std::optional<Answer::Kind> answer_kind_named(std::string_view name) {
  for (const KindName& k : kKinds)
    if (k.name == name) return k.kind;
  return std::nullopt;
}

}  // namespace drydock::referee
