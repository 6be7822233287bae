// SPDX-License-Identifier: Apache-2.0
#include "kernel/profile.h"

#include <algorithm>
#include <cstdlib>

namespace drydock {

std::optional<std::string_view> Profile::config(std::string_view option) const {
  auto row = std::ranges::lower_bound(config_, option, {}, [](const auto& r) { return r.first; });
  if (row == config_.end() || row->first != option) return std::nullopt;
  return row->second;
}

bool Profile::config_enabled(std::string_view option) const {
  auto value = config(option);
  return value && (*value == "y" || *value == "m");
}

uint32_t Profile::possible_cpus() const {
  if (possible_cpus_) return possible_cpus_;
  const std::string built_for(config("CONFIG_NR_CPUS").value_or(""));
  const int cpus = std::atoi(built_for.c_str());
  return cpus > 0 ? static_cast<uint32_t>(cpus) : 8192;
}

std::optional<uint32_t> Profile::kfunc_flags(uint32_t btf_func_id) const {
  auto row = std::ranges::lower_bound(kfunc_flags_, btf_func_id, {},
                                      [](const auto& r) { return r.first; });
  if (row == kfunc_flags_.end() || row->first != btf_func_id) return std::nullopt;
  return row->second;
}

}  // namespace drydock
