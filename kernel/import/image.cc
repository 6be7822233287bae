// SPDX-License-Identifier: Apache-2.0
// The boot protocol (Documentation/arch/x86/boot.rst) says where a bzImage keeps its compressed
// payload; the payload is the vmlinux ELF file.
#include "kernel/import/image.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/elf.h"
#include "base/file.h"
#include "kernel/import/decompress.h"

namespace drydock {
namespace {

// Fields of the setup header, by their offset in the file.
constexpr size_t kSetupSectors = 0x1f1, kHeaderMagic = 0x202, kProtocol = 0x206,
                 kPayloadOffset = 0x248, kPayloadLength = 0x24c;
constexpr uint16_t kProtocolWithPayload = 0x208;

template <class T>
T load(std::span<const std::byte> data, size_t at) {
  T value{};
  if (at + sizeof value <= data.size()) std::memcpy(&value, data.data() + at, sizeof value);
  return value;
}

Result<std::vector<std::byte>> payload_of(std::span<const std::byte> file) {
  if (as_text(file).substr(0, kHeaderMagic + 4).find("HdrS", kHeaderMagic) != kHeaderMagic)
    return malformed("not a kernel image (neither bzImage nor ELF)");
  if (load<uint16_t>(file, kProtocol) < kProtocolWithPayload)
    return unsupported("boot protocol without a payload offset");
  size_t sectors = load<uint8_t>(file, kSetupSectors);
  uint64_t begin =
      (sectors ? sectors + 1 : 5) * 512 + uint64_t{load<uint32_t>(file, kPayloadOffset)};
  uint64_t length = load<uint32_t>(file, kPayloadLength);
  if (begin > file.size() || length > file.size() - begin)
    return malformed("truncated kernel image");
  return decompress(file.subspan(begin, length));
}

// What follows "Linux version " in the image: release, builder, compiler, build number and date.
std::string banner_of(std::span<const std::byte> elf) {
  constexpr std::string_view kBanner = "Linux version ";
  std::string_view text = as_text(elf_section(elf, ".rodata"));
  for (size_t at = 0; (at = text.find(kBanner, at)) != text.npos;) {
    at += kBanner.size();
    std::string_view rest = text.substr(at, 512);
    if (rest.empty() || rest[0] < '0' || rest[0] > '9') continue;  // a format string
    return std::string(rest.substr(0, rest.find('\0')));
  }
  return {};
}

}  // namespace

std::string stable_release(std::string_view banner) {
  constexpr std::string_view kPackage = " Debian ";  // "… #1 SMP Debian 5.10.223-1 (2024-08-10)"
  size_t at = banner.find(kPackage);
  if (at == banner.npos) return {};
  std::string_view package = banner.substr(at + kPackage.size());
  size_t end = package.find_first_not_of("0123456789.");
  return std::string(package.substr(0, end));
}

namespace {

std::string config_of(std::span<const std::byte> elf) {
  constexpr std::string_view kBegin = "IKCFG_ST", kEnd = "IKCFG_ED";
  std::string_view text = as_text(elf_section(elf, ".rodata"));
  size_t begin = text.find(kBegin);
  if (begin == text.npos) return {};
  size_t end = text.find(kEnd, begin);
  if (end == text.npos) return {};
  begin += kBegin.size();
  auto config = decompress(as_byte_span(text.substr(begin, end - begin)), 4u << 20);
  return config ? std::string(as_text(*config)) : std::string{};
}

std::vector<std::byte> copy(std::span<const std::byte> data) { return {data.begin(), data.end()}; }

}  // namespace

Result<KernelImage> read_kernel_image(std::span<const std::byte> file) {
  std::vector<std::byte> payload;
  if (!is_elf(file)) {
    auto unpacked = payload_of(file);
    if (!unpacked) return std::unexpected(unpacked.error());
    payload = std::move(*unpacked);
    file = payload;
    if (!is_elf(file)) return malformed("the payload of the kernel image is not ELF");
  }
  KernelImage image;
  image.btf = copy(elf_section(file, ".BTF"));
  if (image.btf.empty()) return unsupported("kernel image without BTF (CONFIG_DEBUG_INFO_BTF)");
  image.btf_ids = copy(elf_section(file, ".BTF_ids"));
  std::string banner = banner_of(file);
  image.release = banner.substr(0, banner.find(' '));
  image.stable = stable_release(banner);
  image.config = config_of(file);
  if (image.release.empty()) return malformed("kernel image without a version banner");
  return image;
}

}  // namespace drydock
