// SPDX-License-Identifier: Apache-2.0
#include "base/folders.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace drydock {
namespace {

namespace fs = std::filesystem;

class Folders : public testing::Test {
 protected:
  Folders() : root_(fs::temp_directory_path() / ("drydock-folders-" + std::to_string(getpid()))) {}
  ~Folders() override { fs::remove_all(root_); }
  fs::path root_;
};

TEST_F(Folders, AreRemovedTheInmostFirst) {
  fs::create_directories(root_ / "a/b/c");
  fs::create_directories(root_ / "a/d");
  remove_folders(root_);
  EXPECT_FALSE(fs::exists(root_));
  remove_folders(root_);  // nothing there: nothing to do
}

TEST_F(Folders, ThatHoldFilesStay) {
  fs::create_directories(root_ / "kept/empty");
  fs::create_directory_symlink("/", root_ / "kept/link");
  remove_folders(root_);
  EXPECT_TRUE(fs::is_symlink(root_ / "kept/link"));
  EXPECT_FALSE(fs::exists(root_ / "kept/empty"));
}

// A case's cgroups are removed by the agent and by a process that waits for the case's end. The
// one threw when the other was first, which as process 1 took a virtual machine down.
TEST_F(Folders, AreRemovedByTwoAtOnce) {
  for (int round = 0; round < 200; ++round) {
    for (const char* leaf : {"a/b/c/d", "a/e", "f/g"}) fs::create_directories(root_ / leaf);
    std::thread other([&] { remove_folders(root_); });
    remove_folders(root_);
    other.join();
    remove_folders(root_);
    ASSERT_FALSE(fs::exists(root_)) << "round " << round;
  }
}

}  // namespace
}  // namespace drydock
