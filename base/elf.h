// SPDX-License-Identifier: Apache-2.0
// A section of a 64-bit ELF file, for those who need one by its name and no more.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace drydock {

bool is_elf(std::span<const std::byte> file);
/// The contents of the first section of that name; empty when there is none, when it has no bytes
/// in the file, or when the file is damaged. A view of `elf`.
std::span<const std::byte> elf_section(std::span<const std::byte> elf, std::string_view name);

}  // namespace drydock
