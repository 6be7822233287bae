// SPDX-License-Identifier: Apache-2.0
#include "base/elf.h"

#include <elf.h>

#include <cstring>

namespace drydock {
namespace {

template <class T>
T load(std::span<const std::byte> data, size_t at) {
  T value{};
  if (at <= data.size() && sizeof value <= data.size() - at)
    std::memcpy(&value, data.data() + at, sizeof value);
  return value;
}

}  // namespace

bool is_elf(std::span<const std::byte> file) {
  return file.size() >= SELFMAG && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
}

std::span<const std::byte> elf_section(std::span<const std::byte> elf, std::string_view name) {
  auto head = load<Elf64_Ehdr>(elf, 0);
  if (!is_elf(elf) || head.e_shoff > elf.size() || head.e_shstrndx >= head.e_shnum) return {};
  auto header = [&](size_t i) {
    return load<Elf64_Shdr>(elf, head.e_shoff + i * sizeof(Elf64_Shdr));
  };
  auto contents = [&](const Elf64_Shdr& s) -> std::span<const std::byte> {
    if (s.sh_type == SHT_NOBITS || s.sh_offset > elf.size() || s.sh_size > elf.size() - s.sh_offset)
      return {};
    return elf.subspan(s.sh_offset, s.sh_size);
  };
  std::span<const std::byte> names = contents(header(head.e_shstrndx));
  for (size_t i = 1; i < head.e_shnum; ++i) {
    Elf64_Shdr s = header(i);
    if (s.sh_name >= names.size()) continue;
    std::string_view own(reinterpret_cast<const char*>(names.data()) + s.sh_name,
                         names.size() - s.sh_name);
    if (own.substr(0, own.find('\0')) == name) return contents(s);
  }
  return {};
}

}  // namespace drydock
