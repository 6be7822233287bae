// SPDX-License-Identifier: Apache-2.0
// The rows of helpers.def, variants.def and earlier.def as constants, for the allowlists and the
// look-ups.
#pragma once

#include "helpers/helper_ids.h"
#include "helpers/helper_row.h"
#include "helpers/prototype_words.h"

namespace drydock {

namespace detail {
template <class... Args>
constexpr HelperRow make_helper_row(HelperId id, std::string_view name, std::string_view variant,
                                    std::string_view since, prototype_words::Returns returns,
                                    uint32_t flags, Args... args) {
  return {.id = id,
          .name = name,
          .args = {args...},
          .ret = returns.type,
          .ret_btf_type = returns.btf_type,
          .flags = flags,
          .since = since,
          .variant = variant};
}

/// What earlier.def calls a helper's own row has no variant's name.
constexpr std::string_view variant_name(std::string_view of) {
  return of == "own" ? std::string_view{} : of;
}
}  // namespace detail

/// Row i has id i; row 0 stands for the id that no helper has.
inline constexpr auto kHelperRows = [] {
  using namespace prototype_words;
  return std::to_array<HelperRow>({
      {.id = 0, .name = "unspec"},
#define DRYDOCK_HELPER(id, name, since, returns, ...) \
  detail::make_helper_row(id, #name, "", since, returns, __VA_ARGS__),
#include "helpers/helpers.def"
#undef DRYDOCK_HELPER
  });
}();

/// The other prototypes of some helpers: variant::sk_lookup_assign.
namespace variant {
#define DRYDOCK_VARIANT(variant_name, name, returns, ...)                                     \
  inline constexpr HelperRow variant_name = [] {                                              \
    using namespace prototype_words;                                                          \
    return detail::make_helper_row(helper_id::name, #name, #variant_name,                     \
                                   kHelperRows[helper_id::name].since, returns, __VA_ARGS__); \
  }();
#include "helpers/variants.def"
#undef DRYDOCK_VARIANT
}  // namespace variant

/// A prototype of older kernels, and the first release that has it no longer.
struct EarlierPrototype {
  std::string_view until;
  HelperRow row;
};

inline constexpr auto kEarlierPrototypes = [] {
  using namespace prototype_words;
  return std::to_array<EarlierPrototype>({
#define DRYDOCK_EARLIER(until, of, name, returns, ...)                               \
  {until, detail::make_helper_row(helper_id::name, #name, detail::variant_name(#of), \
                                  kHelperRows[helper_id::name].since, returns, __VA_ARGS__)},
#include "helpers/earlier.def"
#undef DRYDOCK_EARLIER
  });
}();

}  // namespace drydock
