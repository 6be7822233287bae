// SPDX-License-Identifier: Apache-2.0
// Whole programs, whose log at level 2 must be the kernel's to the letter: every path, every
// state, every mark, and the counters in the last line.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "kernel/profile_catalog.h"
#include "tests/verifier/program_file.h"
#include "verifier/verify.h"

namespace drydock::verifier {
namespace {

class TestMaps : public FdTable {
 public:
  explicit TestMaps(const ProgramFile& file) {
    for (const ProgramFile::Map& asked : file.maps) {
      auto map = std::make_shared<MapInfo>();
      map->id = static_cast<uint32_t>(maps_.size()) + 1;
      map->type = asked.type;
      map->key_size = asked.key_size;
      map->value_size = asked.value_size;
      map->max_entries = asked.max_entries;
      maps_.push_back(std::move(map));
    }
  }
  std::shared_ptr<const MapInfo> map(int fd, int* err) override {
    if (fd >= 0 && static_cast<size_t>(fd) < maps_.size()) return maps_[fd];
    *err = EBADF;
    return nullptr;
  }
  std::shared_ptr<const Btf> btf(int, int* err) override {
    *err = EBADF;
    return nullptr;
  }

 private:
  std::vector<std::shared_ptr<MapInfo>> maps_;
};

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> program_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(DRYDOCK_SOURCE_DIR) / "tests/verifier/programs"))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

class Programs : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Programs, LogIsTheKernels) {
  std::string error;
  std::optional<ProgramFile> file = ProgramFile::parse(read(GetParam()), &error);
  ASSERT_TRUE(file) << error;
  if (std::getenv("DRYDOCK_BLESS")) {
    file->answer = ask_host(*file);
    ASSERT_TRUE(file->answer) << "this kernel cannot be asked";
    std::ofstream(GetParam()) << render(*file);
  }
  ASSERT_TRUE(file->answer) << "no kernel's answer: run with DRYDOCK_BLESS=1";
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile) << profile.error().message;
  ProgramInput input;
  input.insns = file->insns;
  input.type = file->type;
  input.flags = file->flags;
  input.license = "GPL";
  TestMaps maps(*file);
  Verdict verdict = verify(input, **profile, maps, {.log_level = kLogLevel2});
  EXPECT_EQ(verdict.err, file->answer->err) << verdict.message;
  EXPECT_EQ(without_addresses(verdict.log), file->answer->log);
}

INSTANTIATE_TEST_SUITE_P(All, Programs, testing::ValuesIn(program_files()), [](const auto& info) {
  std::string name = info.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace drydock::verifier
