// SPDX-License-Identifier: Apache-2.0
// The verifier against what a real 6.18 answered to every kfunc called from every kind of program.
#include "tests/verifier/kfunc_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "verifier/verify.h"

namespace drydock {
namespace {

class NoDescriptors : public FdTable {
 public:
  std::shared_ptr<const MapInfo> map(int, int* err) override { return *err = EBADF, nullptr; }
  std::shared_ptr<const Btf> btf(int, int* err) override { return *err = EBADF, nullptr; }
};

ProgramInput input(const Profile& kernel, const kfunc_table::Site& site, uint32_t func_id,
                   char pattern) {
  ProgramInput program;
  program.insns = kfunc_table::program(*kernel.btf(), func_id, pattern);
  program.type = site.type;
  program.expected_attach_type = site.attach;
  program.flags = site.sleepable ? kProgSleepable : 0;
  program.license = "GPL";
  if (!site.target.empty()) {
    program.attach_btf = kernel.btf();
    program.attach_btf_id = kernel.btf()->find(site.target, site.target_kind);
  }
  return program;
}

struct Line {
  std::string kfunc;
  char pattern = 0;
  uint64_t sites = 0;
  int err = 0;
  std::string log;
};

std::vector<Line> read_table() {
  std::vector<Line> lines;
  std::ifstream in(DRYDOCK_SOURCE_DIR "/corpus/tables/kfunc-calls.txt");
  for (std::string text; std::getline(in, text);) {
    if (text.starts_with("#")) continue;
    std::vector<std::string> cells;
    for (size_t at = 0; cells.size() < 4; ) {
      size_t tab = text.find('\t', at);
      cells.push_back(text.substr(at, tab - at));
      at = tab + 1;
      if (cells.size() == 4) cells.push_back(text.substr(at));
    }
    lines.push_back({cells[0], cells[1][0], std::stoull(cells[2], nullptr, 16),
                     std::stoi(cells[3]), cells[4]});
  }
  return lines;
}

TEST(KfuncTable, AnswersOf618) {
  auto kernel = Profile::load("6.18").value();
  NoDescriptors none;
  Options options;
  options.log_level = kLogStats;
  std::map<std::string, int> differences;
  size_t asked = 0, differ = 0;
  for (const Line& line : read_table()) {
    uint32_t id = kernel->btf()->find(line.kfunc, BtfKind::kFunc);
    ASSERT_NE(id, 0u) << line.kfunc;
    for (size_t i = 0; i < std::size(kfunc_table::kSites); ++i) {
      if (!(line.sites >> i & 1)) continue;
      const auto& site = kfunc_table::kSites[i];
      Verdict v = verify(input(*kernel, site, id, line.pattern), *kernel, none, options);
      ++asked;
      std::string log = kfunc_table::answer_of(v.log);
      bool known = v.kind == VerdictKind::kAccepted || v.kind == VerdictKind::kRejected;
      if (known && v.err == line.err && log == line.log) continue;
      ++differ;
      std::string what = line.kfunc + " " + line.pattern + ": kernel " + std::to_string(line.err) +
                         " '" + line.log + "', here " + std::to_string(v.err) + " '" + log +
                         (known ? "'" : "' (" + v.message + ")");
      if (differences[what]++ == 0 && differences.size() <= 40)
        ADD_FAILURE() << site.name << ": " << what;
    }
  }
  EXPECT_EQ(differ, 0u) << "of " << asked;
  EXPECT_GT(asked, 20000u);
}

}  // namespace
}  // namespace drydock
