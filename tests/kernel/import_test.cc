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
#include "kernel/import/module.h"
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

Bytes bytes_of(std::string_view text) {
  auto span = as_byte_span(text);
  return Bytes(span.begin(), span.end());
}

/// An ELF file of these sections.
Bytes elf_of(std::vector<std::pair<std::string, Bytes>> sections) {
  std::string names(1, '\0');
  std::vector<uint32_t> name_offsets;
  sections.emplace_back(".shstrtab", Bytes());
  for (const auto& [name, data] : sections) {
    name_offsets.push_back(static_cast<uint32_t>(names.size()));
    names += name + '\0';
  }
  sections.back().second = bytes_of(names);
  Bytes out(sizeof(Elf64_Ehdr));
  std::vector<Elf64_Shdr> headers(1);
  for (size_t i = 0; i < sections.size(); ++i) {
    Elf64_Shdr h{};
    h.sh_name = name_offsets[i];
    h.sh_type = SHT_PROGBITS;
    h.sh_offset = out.size();
    h.sh_size = sections[i].second.size();
    headers.push_back(h);
    append(out, sections[i].second);
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

Bytes vmlinux() {
  std::string banner = std::string("Linux version %s (%s)\n") + '\0' + "Linux version " +
                       std::string(kRelease) + " (me@here) #1";
  return elf_of({{".BTF", some_btf()}, {".BTF_ids", Bytes(16)}, {".rodata", bytes_of(banner)}});
}

/// A module's BTF, which goes on where the kernel's ends: a name for the kernel's int.
Bytes split_btf(const Bytes& kernel) {
  BtfBuilder b(**Btf::parse(kernel, "vmlinux"));
  b.add("mod_number", BtfKind::kTypedef, 0, 1);
  return b.bytes();
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
    std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    EXPECT_TRUE(write_file(path, data));
    return path;
  }
  /// An image with its config beside it.
  std::string image() {
    Bytes elf = vmlinux();
    file("config-" + std::string(kRelease), bytes_of("CONFIG_HZ=100\n"));
    return file("vmlinuz", bzimage(zstd(elf), elf.size()));
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
  file("config-" + std::string(kRelease), bytes_of("CONFIG_HZ=100\n"));
  EXPECT_EQ(import_kernel({.path = image, .name = "mine"})->name, "mine");
  EXPECT_EQ(import_kernel({.path = (folder_ / "absent").string()}).error().kind,
            ErrorKind::kNotFound);
}

// -- Modules --------------------------------------------------------------------------------------

TEST(Modules, AreNamedAsTheKernelNamesThem) {
  EXPECT_EQ(module_of("lib/modules/6.12/kernel/net/nf-conntrack.ko.xz"), "nf_conntrack");
  EXPECT_EQ(module_of("fou.ko"), "fou");
  EXPECT_EQ(module_of("notes.kola"), "");
  EXPECT_EQ(module_of("lib/.ko"), "");
  EXPECT_TRUE(is_wanted({"nf-conntrack"}, "nf_conntrack"));
  EXPECT_FALSE(is_wanted({"nf"}, "nf_conntrack"));
  EXPECT_FALSE(is_wanted({""}, ""));
}

void expect_the_module(const Result<ProfileParts>& parts, const std::string& name) {
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->modules.size(), 1u);
  EXPECT_EQ(parts->modules[0].first, name);
  auto profile = ProfileBuilder::build(*parts);
  ASSERT_TRUE(profile) << profile.error().message;
  ASSERT_EQ((*profile)->modules().size(), 1u);
  const Btf& types = *(*profile)->modules()[0];
  EXPECT_EQ(types.find("mod_number", BtfKind::kTypedef), (*profile)->btf()->type_count());
}

TEST_F(Package, ModulesBesideTheImageInAFolderOrInThePackage) {
  Bytes module = elf_of({{".BTF", split_btf(some_btf())}});
  std::string kernel = image();
  file("modules/kernel/net/some-mod.ko.xz", xz(module));
  file("modules/kernel/net/other.ko", bytes_of("nobody wants it"));
  expect_the_module(import_kernel({.path = kernel, .modules = {"some_mod"}}), "some_mod");
  file("elsewhere/fou.ko.zst", zstd(module));
  expect_the_module(import_kernel({.path = kernel,
                                   .modules = {"fou"},
                                   .module_files = (folder_ / "elsewhere").string()}),
                    "fou");

  Bytes elf = vmlinux(), tar, deb;
  append(tar, tar_entry("./boot/config-" + std::string(kRelease), as_byte_span("CONFIG_BPF=y\n")));
  append(tar, tar_entry("./boot/vmlinuz-" + std::string(kRelease), bzimage(gzip(elf), elf.size())));
  append(tar, tar_entry("./lib/modules/" + std::string(kRelease) + "/kernel/fou.ko", module));
  tar.resize(tar.size() + 1024);
  append(deb, as_byte_span("!<arch>\n"));
  add_to_ar(deb, "debian-binary", Bytes(4));
  add_to_ar(deb, "data.tar.xz", xz(tar));
  expect_the_module(import_kernel({.path = file("apart/linux.deb", deb), .modules = {"fou"}}),
                    "fou");
}

TEST_F(Package, AModuleThatIsNotThereIsNamed) {
  auto parts = import_kernel({.path = image(), .modules = {"absent"}});
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(parts.error().message.find("module absent is not in the package, nor in " +
                                       (folder_ / "modules").string()),
            std::string::npos)
      << parts.error().message;
  std::string nowhere = (folder_ / "nowhere").string();
  parts = import_kernel({.path = image(), .modules = {"absent"}, .module_files = nowhere});
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().message, "module absent is not in " + nowhere);
}

TEST_F(Package, ModulesThatAreNone) {
  Bytes module = elf_of({{".BTF", split_btf(some_btf())}}), packed = xz(module);
  Bytes half(packed.begin(), packed.begin() + static_cast<long>(packed.size() / 2));
  struct Row {
    Bytes file;
    ErrorKind kind;
    std::string_view words;
  };
  for (const Row& row : {Row{bytes_of("text"), ErrorKind::kUnsupported, "carries no BTF"},
                         Row{Bytes(), ErrorKind::kUnsupported, "carries no BTF"},
                         Row{elf_of({{".text", Bytes(8)}}), ErrorKind::kUnsupported, "no BTF"},
                         Row{half, ErrorKind::kMalformed, "module bad: "}}) {
    file("modules/bad.ko", row.file);
    auto parts = import_kernel({.path = image(), .modules = {"bad"}});
    ASSERT_FALSE(parts) << row.words;
    EXPECT_EQ(parts.error().kind, row.kind) << parts.error().message;
    EXPECT_NE(parts.error().message.find(row.words), std::string::npos) << parts.error().message;
    EXPECT_NE(parts.error().message.find("bad"), std::string::npos) << parts.error().message;
  }
}

// Every shortened module, and BTF that belongs to another kernel: an error, or types that hold.
TEST_F(Package, ModulesCutShortOrOfAnotherKernel) {
  std::string kernel = image();
  auto built = [&](const Bytes& module) -> Result<std::shared_ptr<const Profile>> {
    file("modules/bad.ko", module);
    auto parts = import_kernel({.path = kernel, .modules = {"bad"}});
    if (!parts) return std::unexpected(parts.error());
    return ProfileBuilder::build(std::move(*parts));
  };
  Bytes types = split_btf(some_btf());
  ASSERT_TRUE(built(elf_of({{".BTF", types}})));
  for (size_t size = 0; size < types.size(); ++size) {
    auto profile = built(elf_of({{".BTF", Bytes(types.begin(), types.begin() + long(size))}}));
    ASSERT_FALSE(profile) << size;
  }
  BtfBuilder other;
  other.integer("int", 4, 1);
  other.integer("a name that this kernel does not have, and a long one", 8, 0);
  auto profile = built(elf_of({{".BTF", split_btf(other.bytes())}}));
  ASSERT_FALSE(profile);
  EXPECT_NE(profile.error().message.find("BTF of module bad: "), std::string::npos)
      << profile.error().message;
}

}  // namespace
}  // namespace drydock
