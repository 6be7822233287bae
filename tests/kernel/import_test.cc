// SPDX-License-Identifier: Apache-2.0
// Imports, from images and packages made here: an ELF file with the sections that matter, packed by
// each compression into a bzImage, and that into a .deb.
#include <elf.h>
#include <gtest/gtest.h>
#include <lz4.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/file.h"
#include "kernel/import/decompress.h"
#include "kernel/import/image.h"
#include "kernel/profile_catalog.h"
#include "tests/kernel/btf_builder.h"

namespace drydock {
namespace {

using Bytes = std::vector<std::byte>;
constexpr std::string_view kRelease = "6.12.7-made";

void append(Bytes& to, std::span<const std::byte> more) {
  to.insert(to.end(), more.begin(), more.end());
}

Bytes some_btf() {
  BtfBuilder b;
  b.integer("int", 4, 1);
  return b.bytes();
}

Bytes vmlinux() {
  const std::string names = std::string("\0.BTF\0.BTF_ids\0.rodata\0.shstrtab\0", 32);
  struct Part {
    uint32_t name;
    Bytes data;
  };
  auto bytes_of = [](std::string_view text) {
    auto span = as_byte_span(text);
    return Bytes(span.begin(), span.end());
  };
  std::string banner = std::string("Linux version %s (%s)\n") + '\0' + "Linux version " +
                       std::string(kRelease) + " (me@here) #1";
  std::vector<Part> parts = {
      {1, some_btf()}, {6, Bytes(16)}, {15, bytes_of(banner)}, {23, bytes_of(names)}};
  Bytes out(sizeof(Elf64_Ehdr));
  std::vector<Elf64_Shdr> headers(1);
  for (const Part& part : parts) {
    Elf64_Shdr h{};
    h.sh_name = part.name;
    h.sh_type = SHT_PROGBITS;
    h.sh_offset = out.size();
    h.sh_size = part.data.size();
    headers.push_back(h);
    append(out, part.data);
  }
  Elf64_Ehdr head{};
  std::memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_shoff = out.size();
  head.e_shnum = static_cast<uint16_t>(headers.size());
  head.e_shstrndx = static_cast<uint16_t>(headers.size() - 1);
  append(out, std::as_bytes(std::span(headers)));
  std::memcpy(out.data(), &head, sizeof head);
  return out;
}

Bytes gzip(const Bytes& data) {
  z_stream s{};
  deflateInit2(&s, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&s, data.size()) + 64);
  s.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  s.avail_in = static_cast<uInt>(data.size());
  s.next_out = reinterpret_cast<Bytef*>(out.data());
  s.avail_out = static_cast<uInt>(out.size());
  deflate(&s, Z_FINISH);
  out.resize(s.total_out);
  deflateEnd(&s);
  return out;
}
Bytes xz(const Bytes& data) {
  Bytes out(lzma_stream_buffer_bound(data.size()));
  size_t size = 0;
  lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, nullptr,
                          reinterpret_cast<const uint8_t*>(data.data()), data.size(),
                          reinterpret_cast<uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}
Bytes zstd(const Bytes& data) {
  Bytes out(ZSTD_compressBound(data.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 3));
  return out;
}
Bytes lz4(const Bytes& data) {
  uint32_t magic = 0x184c2102, size = 0;
  Bytes block(static_cast<size_t>(LZ4_compressBound(static_cast<int>(data.size()))));
  size = static_cast<uint32_t>(LZ4_compress_default(
      reinterpret_cast<const char*>(data.data()), reinterpret_cast<char*>(block.data()),
      static_cast<int>(data.size()), static_cast<int>(block.size())));
  block.resize(size);
  Bytes out;
  append(out, std::as_bytes(std::span(&magic, 1)));
  append(out, std::as_bytes(std::span(&size, 1)));
  append(out, block);
  return out;
}

Bytes bzimage(Bytes payload, size_t unpacked) {
  auto tail = static_cast<uint32_t>(unpacked);
  append(payload, std::as_bytes(std::span(&tail, 1)));  // as the kernel's build does
  Bytes out(1024);
  out[0x1f1] = std::byte{1};
  std::memcpy(out.data() + 0x202, "HdrS", 4);
  uint16_t protocol = 0x20f;
  uint32_t offset = 0, length = static_cast<uint32_t>(payload.size());
  std::memcpy(out.data() + 0x206, &protocol, 2);
  std::memcpy(out.data() + 0x248, &offset, 4);
  std::memcpy(out.data() + 0x24c, &length, 4);
  append(out, payload);
  return out;
}

Bytes tar_entry(const std::string& path, std::span<const std::byte> data) {
  Bytes out(512);
  char* h = reinterpret_cast<char*>(out.data());
  path.copy(h, 100);
  std::snprintf(h + 124, 12, "%011zo", data.size());
  h[156] = '0';
  std::memcpy(h + 257, "ustar", 5);
  append(out, data);
  out.resize((out.size() + 511) / 512 * 512);
  return out;
}
void add_to_ar(Bytes& ar, const std::string& name, const Bytes& data) {
  char head[61];
  std::snprintf(head, sizeof head, "%-16s%-12d%-6d%-6d%-8d%-10zu`\n", name.c_str(), 0, 0, 0, 100644,
                data.size());
  append(ar, as_byte_span(std::string_view(head, 60)));
  append(ar, data);
  if (data.size() % 2) ar.push_back(std::byte{'\n'});
}

struct Compression {
  const char* name;
  Bytes (*pack)(const Bytes&);
};
constexpr Compression kCompressions[] = {{"gzip", gzip}, {"xz", xz}, {"zstd", zstd}, {"lz4", lz4}};

TEST(Import, EveryCompression) {
  Bytes data(300000);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * i >> 7);
  for (const Compression& c : kCompressions) {
    Bytes packed = c.pack(data);
    EXPECT_EQ(decompress(packed).value(), data) << c.name;
    EXPECT_FALSE(decompress(std::span(packed).first(packed.size() / 2))) << c.name;
    EXPECT_FALSE(decompress(packed, 1000)) << c.name << " beyond the limit";
  }
  EXPECT_EQ(decompress(data).error().kind, ErrorKind::kUnsupported);
  EXPECT_EQ(decompress_if_needed(data).value(), data);
}

TEST(Import, ImagesOfEveryCompression) {
  Bytes elf = vmlinux();
  for (const Compression& c : kCompressions) {
    auto image = read_kernel_image(bzimage(c.pack(elf), elf.size()));
    ASSERT_TRUE(image) << c.name << ": " << image.error().message;
    EXPECT_EQ(image->release, kRelease);
    EXPECT_EQ(image->btf, some_btf());
    EXPECT_EQ(image->btf_ids.size(), 16u);
  }
  EXPECT_EQ(read_kernel_image(elf)->release, kRelease) << "a vmlinux that is not packed";
  Bytes whole = bzimage(zstd(elf), elf.size());
  for (size_t size = 0; size < whole.size(); size += 41)
    EXPECT_FALSE(read_kernel_image(std::span(whole).first(size)));
}

class Package : public testing::Test {
 protected:
  std::string file(const std::string& name, const Bytes& data) {
    std::string path = (folder_ / name).string();
    EXPECT_TRUE(write_file(path, data));
    return path;
  }
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("drydock-import-" + std::to_string(getpid()));
};

TEST_F(Package, DebWithImageAndConfig) {
  Bytes elf = vmlinux(), tar, deb;
  append(tar, tar_entry("./boot/config-" + std::string(kRelease), as_byte_span("CONFIG_BPF=y\n")));
  append(tar, tar_entry("./boot/vmlinuz-" + std::string(kRelease), bzimage(gzip(elf), elf.size())));
  tar.resize(tar.size() + 1024);
  append(deb, as_byte_span("!<arch>\n"));
  add_to_ar(deb, "debian-binary", Bytes(4));
  add_to_ar(deb, "data.tar.xz", xz(tar));
  auto parts = import_kernel({.path = file("linux.deb", deb)});
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->release, kRelease);
  EXPECT_EQ(parts->name, "6.12");
  EXPECT_EQ(parts->config, "CONFIG_BPF=y\n");
  EXPECT_EQ(parts->provenance, "linux.deb");
  EXPECT_TRUE(ProfileBuilder::build(std::move(*parts)).value()->config_enabled("CONFIG_BPF"));
}

TEST_F(Package, ImageTakesTheConfigBesideIt) {
  Bytes elf = vmlinux();
  std::string image = file("vmlinuz", bzimage(zstd(elf), elf.size()));
  auto parts = import_kernel({.path = image});
  ASSERT_FALSE(parts);
  EXPECT_NE(parts.error().message.find("--config"), std::string::npos);
  auto text = as_byte_span("CONFIG_HZ=100\n");
  file("config-" + std::string(kRelease), Bytes(text.begin(), text.end()));
  EXPECT_EQ(import_kernel({.path = image, .name = "mine"})->name, "mine");
  EXPECT_EQ(import_kernel({.path = (folder_ / "absent").string()}).error().kind,
            ErrorKind::kNotFound);
}

}  // namespace
}  // namespace drydock
