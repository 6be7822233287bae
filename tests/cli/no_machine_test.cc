// SPDX-License-Identifier: Apache-2.0
// Without QEMU, without root, without a network, without a fetched kernel: each command that wants
// a real kernel says what it left out and why, and exits with 3 (docs/cli.md).
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "tests/support/shell.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

const std::string kBuild = DRYDOCK_BINARY_DIR, kSource = DRYDOCK_SOURCE_DIR;
const std::string kDrydock = kBuild + "/drydock ";

using test::Finished;

Finished run(const std::string& command) { return test::run_in_shell(command); }

class NoMachine : public testing::Test {
 protected:
  NoMachine() { fs::create_directories(folder_); }
  ~NoMachine() override { fs::remove_all(folder_); }

  std::string in_folder(const std::string& name) const { return (folder_ / name).string(); }
  /// A cache in which a kernel seems to have been fetched; its image is never looked at.
  std::string cache_with_kernel() {
    fs::create_directories(folder_ / "cache/kernels/6.18");
    for (auto [name, text] : {std::pair{"vmlinuz", "image"}, std::pair{"config", "CONFIG_BPF=y\n"},
                              std::pair{"package", "6.18.0 linux-image-6.18.0 1\n"}}) {
      FILE* file = std::fopen(in_folder("cache/kernels/6.18/" + std::string(name)).c_str(), "w");
      std::fputs(text, file);
      std::fclose(file);
    }
    return in_folder("cache");
  }
  void expect_skipped(const std::string& command, std::string_view why) {
    Finished finished = run(command);
    EXPECT_EQ(finished.status, 3) << command << "\n" << finished.output;
    EXPECT_NE(finished.output.find("skipped"), std::string::npos) << command << finished.output;
    EXPECT_NE(finished.output.find(why), std::string::npos) << command << "\n"
                                                            << finished.output << "lacks: " << why;
  }
  /// The three that ask a real kernel, of which none has kept answers here.
  void expect_all_skipped(const std::string& before, const std::string& target,
                          const std::string& options, std::string_view why) {
    const std::string asked = " --with " + target + options, drydock = before + drydock_;
    expect_skipped(drydock + "compare " + objects_ + "/cgroup_sock.bpf.o --ledger none" + asked,
                   why);
    expect_skipped(drydock + "test " + cases_ + " --objects " + objects_ + asked, why);
    std::string profile = in_folder("none.profile");
    expect_skipped(drydock + "kernel probe -o " + profile + asked, why);
    EXPECT_FALSE(fs::exists(profile));
  }
  /// The tree may lie where nobody else may look.
  void move_where_all_may_look() {
    fs::permissions(folder_, fs::perms(0755));
    fs::copy(kBuild + "/drydock", folder_ / "drydock");
    fs::copy(objects_, folder_ / "objects");
    fs::copy(cases_, folder_ / "cases");
    drydock_ = in_folder("drydock ");
    objects_ = in_folder("objects");
    cases_ = in_folder("cases");
  }

 private:
  std::string drydock_ = kDrydock, objects_ = kBuild + "/corpus",
              cases_ = kSource + "/corpus/cases";
  fs::path folder_ =
      fs::path(testing::TempDir()) / ("drydock-no-machine-" + std::to_string(getpid()));
};

TEST_F(NoMachine, WithoutQemu) {
  expect_all_skipped("PATH=/nowhere ", "vm:6.18", " --cache " + cache_with_kernel(),
                     "qemu-system-x86_64 is not installed");
}

TEST_F(NoMachine, WithoutAFetchedKernel) {
  expect_all_skipped("", "vm:6.18", " --cache " + in_folder("empty"),
                     "drydock kernel fetch 6.18 puts it there");
}

TEST_F(NoMachine, WithoutRoot) {
  if (geteuid() == 0 && run("setpriv --version").status != 0) GTEST_SKIP() << "no setpriv";
  move_where_all_may_look();
  expect_all_skipped(geteuid() == 0 ? "setpriv --reuid 65534 --clear-groups " : "", "host", "",
                     "the running kernel loads no programs for us");
}

// Where answers were kept they stand in, and it is said why.
TEST_F(NoMachine, KeptAnswersStandInForAKernel) {
  Finished finished = run("cd " + kSource + " && PATH=/nowhere " + kDrydock + "compare " + kBuild +
                          "/corpus --ledger none --with vm:6.18 --cache " + cache_with_kernel());
  EXPECT_NE(finished.output.find("qemu-system-x86_64 is not installed"), std::string::npos)
      << finished.output;
}

TEST_F(NoMachine, FetchWithoutNetworkOrApt) {
  std::string fetch = kDrydock + "kernel fetch 6.18 --cache " + in_folder("fetched");
  expect_skipped("PATH=/nowhere " + fetch, "apt-get is not installed");
  std::string alone = geteuid() == 0 ? "unshare -n " : "unshare -rn ";
  if (run(alone + "true").status != 0) GTEST_SKIP() << "no network namespace can be made";
  expect_skipped(alone + fetch, "6.18: skipped: ");
  EXPECT_FALSE(fs::exists(in_folder("fetched/kernels/6.18")));
}

}  // namespace
}  // namespace drydock
