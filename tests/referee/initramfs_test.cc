// SPDX-License-Identifier: Apache-2.0
#include "referee/initramfs.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "kernel/import/decompress.h"

namespace drydock::referee {
namespace {

struct Found {
  std::string name, data;
  uint32_t mode = 0, links = 0, inode = 0, minor = 0;
};

uint32_t hex(std::string_view digits) {
  return static_cast<uint32_t>(std::stoul(std::string(digits), nullptr, 16));
}

/// Reads an archive as the format's documentation says, independently of the writer.
std::vector<Found> read_archive(std::string_view text) {
  std::vector<Found> files;
  for (size_t at = 0; at + 110 <= text.size();) {
    EXPECT_EQ(text.substr(at, 6), "070701");
    auto field = [&](size_t index) { return hex(text.substr(at + 6 + 8 * index, 8)); };
    Found f{.mode = field(1), .links = field(4), .inode = field(0), .minor = field(10)};
    size_t size = field(6), name_size = field(11), name_at = at + 110;
    f.name = text.substr(name_at, name_size - 1);
    EXPECT_EQ(text[name_at + name_size - 1], '\0');
    size_t data_at = (name_at + name_size + 3) / 4 * 4;
    f.data = text.substr(data_at, size);
    at = (data_at + size + 3) / 4 * 4;
    if (f.name == "TRAILER!!!") {
      EXPECT_EQ(at, text.size());
      return files;
    }
    files.push_back(f);
  }
  ADD_FAILURE() << "no trailer";
  return files;
}

std::vector<std::byte> sample() {
  CpioWriter cpio;
  cpio.folder("dev");
  cpio.character_device("dev/console", 5, 1);
  cpio.file("init", as_byte_span("#!five"), true);
  cpio.file("a", as_byte_span("x"), false);
  cpio.file("empty", {}, false);
  return cpio.finish();
}

TEST(Initramfs, HoldsWhatWasPutIn) {
  std::vector<std::byte> archive = sample();
  auto files = read_archive(as_text(archive));
  ASSERT_EQ(files.size(), 5u);
  EXPECT_EQ(files[0].name, "dev");
  EXPECT_EQ(files[0].mode, 0040755u);
  EXPECT_EQ(files[1].mode, 0020600u);
  EXPECT_EQ(files[1].minor, 1u);
  EXPECT_EQ(files[2].name, "init");
  EXPECT_EQ(files[2].mode, 0100755u);
  EXPECT_EQ(files[2].data, "#!five");
  EXPECT_EQ(files[3].data, "x");
  EXPECT_EQ(files[4].data, "");
  for (size_t i = 0; i < files.size(); ++i) EXPECT_EQ(files[i].inode, i + 1);
}

TEST(Initramfs, PacksForWhatTheKernelUnpacks) {
  EXPECT_EQ(packing_for("CONFIG_RD_GZIP=y\nCONFIG_RD_ZSTD=y\n"), Packing::kZstd);
  EXPECT_EQ(packing_for("CONFIG_RD_GZIP=y\n# CONFIG_RD_ZSTD is not set\n"), Packing::kGzip);
  EXPECT_EQ(packing_for("CONFIG_X=y\n"), Packing::kPlain);
  for (Packing packing : {Packing::kPlain, Packing::kGzip, Packing::kZstd}) {
    auto packed = pack(sample(), packing);
    ASSERT_TRUE(packed);
    auto plain = decompress_if_needed(*packed);
    ASSERT_TRUE(plain);
    EXPECT_EQ(*plain, sample());
  }
}

}  // namespace
}  // namespace drydock::referee
