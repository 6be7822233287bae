// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "kernel/embedded_profiles.h"
#include "kernel/fetch/apt.h"
#include "kernel/fetch/fetch.h"
#include "kernel/fetch/kernel_store.h"
#include "kernel/fetch/known_kernels.h"
#include "kernel/import/package.h"
#include "kernel/profile_catalog.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

// A comparison needs both: the kernel in a machine, and its profile.
TEST(KnownKernels, EveryOneHasItsProfileInTheBinary) {
  auto embedded = embedded_profiles();
  for (const KnownKernel& kernel : known_kernels()) {
    EXPECT_NE(std::ranges::find(embedded, kernel.name), embedded.end()) << kernel.name;
    auto profile = Profile::load(kernel.name);
    ASSERT_TRUE(profile);
    EXPECT_NE(kernel.image.find((*profile)->release()), std::string_view::npos)
        << kernel.image << " is not the kernel of the profile, " << (*profile)->release();
    EXPECT_EQ(known_kernel(kernel.name), &kernel);
  }
  EXPECT_EQ(known_kernel("4.19"), nullptr);
}

TEST(PackageRecord, TheFirstRecordOnly) {
  auto record = parse_package_record(
      "Package: linux-image-x\nVersion: 1.2-3\nSize: 12345\nSHA256: ab\nDescription: a kernel\n\n"
      "Package: other\nVersion: 9\n");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->name, "linux-image-x");
  EXPECT_EQ(record->version, "1.2-3");
  EXPECT_EQ(record->size, 12345u);
  EXPECT_EQ(record->sha256, "ab");
  EXPECT_FALSE(parse_package_record(""));
  EXPECT_FALSE(parse_package_record("Package: x\nVersion: 1\nSHA256: ab\n\nSize: 1\n"));
}

TEST(KernelStore, HalfAKernelIsNone) {
  std::string cache = fs::path(testing::TempDir()) / ("store-" + std::to_string(getpid()));
  std::string folder = cache + "/kernels/6.18";
  fs::create_directories(folder);
  ASSERT_TRUE(write_file(folder + "/vmlinuz", as_byte_span("image")));
  EXPECT_FALSE(stored_kernel(cache, "6.18"));
  ASSERT_TRUE(write_file(folder + "/config", as_byte_span("CONFIG_X=y\n")));
  EXPECT_FALSE(stored_kernel(cache, "6.18"));
  EXPECT_TRUE(stored_kernels(cache).empty());
  ASSERT_TRUE(write_file(folder + "/package",
                         as_byte_span("package=linux-image-6.18.15 1\nrelease=6.18.15\n")));
  auto kernel = stored_kernel(cache, "6.18");
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->release, "6.18.15");
  EXPECT_EQ(kernel->package, "linux-image-6.18.15 1");
  EXPECT_EQ(stored_kernels(cache), std::vector<std::string>{"6.18"});
  // It is there: nothing is fetched again.
  auto again = fetch_kernel(cache, "6.18", [](const std::string&, uint64_t, uint64_t) { FAIL(); });
  EXPECT_TRUE(again);
  fs::remove_all(cache);
}

std::string ar_member(const std::string& name, const std::string& data) {
  char header[61];
  std::snprintf(header, sizeof header, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name.c_str(), 0, 0, 0,
                "100644", data.size());
  return header + data + (data.size() % 2 ? "\n" : "");
}

std::string tar_member(const std::string& name, const std::string& data) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  char size[13];
  std::snprintf(size, sizeof size, "%011zo", data.size());
  header.replace(124, 11, size);
  header[156] = '0';
  std::string padded = data;
  padded.resize((data.size() + 511) / 512 * 512);
  return header + padded;
}

TEST(KernelPackage, ImageAndConfigInEitherPlace) {
  auto deb_of = [](const std::string& tar) {
    return "!<arch>\n" + ar_member("debian-binary", "2.0\n") + ar_member("data.tar", tar);
  };
  auto old = read_kernel_package(
      as_byte_span(deb_of(tar_member("./boot/config-6.1.0-56-cloud", "CONFIG_A=y\n") +
                          tar_member("./boot/vmlinuz-6.1.0-56-cloud", "image"))));
  ASSERT_TRUE(old);
  EXPECT_EQ(old->release, "6.1.0-56-cloud");
  EXPECT_EQ(old->config, "CONFIG_A=y\n");
  EXPECT_EQ(as_text(old->image), "image");
  auto base = read_kernel_package(
      as_byte_span(deb_of(tar_member("./usr/lib/modules/7.2.12/config", "CONFIG_B=y\n"))));
  ASSERT_TRUE(base);
  EXPECT_EQ(base->release, "7.2.12");
  EXPECT_EQ(base->config, "CONFIG_B=y\n");
  EXPECT_TRUE(base->image.empty());
  EXPECT_FALSE(read_kernel_package(as_byte_span("no package")));
}

}  // namespace
}  // namespace drydock
