// SPDX-License-Identifier: Apache-2.0
// The verifier against what a real 6.18 answered to every kfunc called from every kind of program.
#include "tests/verifier/kfunc_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "verifier/verify.h"

namespace drydock {
namespace {

/// The two maps of kfunc_table::Maps.
class TwoMaps : public FdTable {
 public:
  static constexpr int kArray = 3, kRingbuf = 4;

  TwoMaps() {
    array_->type = MapType::kArray;
    array_->name = "array";
    array_->key_size = 4;
    array_->value_size = 64;
    array_->max_entries = 1;
    ringbuf_->type = MapType::kRingbuf;
    ringbuf_->name = "ringbuf";
    ringbuf_->max_entries = 4096;
  }
  std::shared_ptr<const MapInfo> map(int fd, int* err) override {
    if (fd == kArray) return array_;
    if (fd == kRingbuf) return ringbuf_;
    return *err = EBADF, nullptr;
  }
  std::shared_ptr<const Btf> btf(int, int* err) override { return *err = EBADF, nullptr; }

 private:
  std::shared_ptr<MapInfo> array_ = std::make_shared<MapInfo>();
  std::shared_ptr<MapInfo> ringbuf_ = std::make_shared<MapInfo>();
};

ProgramInput input(const Profile& kernel, const kfunc_table::Site& site,
                   std::vector<isa::Insn> insns) {
  ProgramInput program;
  program.insns = std::move(insns);
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

/// The lines of a table as cells.
std::vector<std::vector<std::string>> read_table(std::string_view name, size_t columns) {
  std::vector<std::vector<std::string>> lines;
  std::ifstream in(std::string(DRYDOCK_SOURCE_DIR "/corpus/tables/") + std::string(name));
  for (std::string text; std::getline(in, text);) {
    if (text.starts_with("#")) continue;
    std::vector<std::string> cells;
    size_t at = 0;
    while (cells.size() + 1 < columns) {
      size_t tab = text.find('\t', at);
      cells.push_back(text.substr(at, tab - at));
      at = tab + 1;
    }
    cells.push_back(text.substr(at));
    lines.push_back(std::move(cells));
  }
  return lines;
}

/// Asks the verifier and counts where it differs from what the kernel answered.
class Comparison {
 public:
  explicit Comparison(const Profile& kernel) : kernel_(kernel) { options_.log_level = kLogStats; }

  void ask(const std::string& what, const kfunc_table::Site& site, std::vector<isa::Insn> insns,
           int err, const std::string& log) {
    Verdict v = verify(input(kernel_, site, std::move(insns)), kernel_, maps_, options_);
    ++asked_;
    std::string ours = kfunc_table::answer_of(v.log);
    bool known = v.kind == VerdictKind::kAccepted || v.kind == VerdictKind::kRejected;
    if (known && v.err == err && ours == log) return;
    if (++differ_ <= 40)
      ADD_FAILURE() << what << " from " << site.name << "\n  kernel " << err << " '" << log
                    << "'\n  here   " << v.err << " '" << ours << "'" << (known ? "" : " ")
                    << (known ? "" : v.message);
  }
  void done(size_t at_least) const {
    EXPECT_EQ(differ_, 0u) << "of " << asked_;
    EXPECT_GE(asked_, at_least);
  }

 private:
  const Profile& kernel_;
  TwoMaps maps_;
  Options options_;
  size_t asked_ = 0, differ_ = 0;
};

class KfuncTable : public testing::Test {
 protected:
  std::shared_ptr<const Profile> kernel_ = Profile::load("6.18").value();
  uint32_t kfunc(const std::string& name) const {
    return kernel_->btf()->find(name, BtfKind::kFunc);
  }
};

TEST_F(KfuncTable, EveryKfuncFromEveryProgram) {
  Comparison comparison(*kernel_);
  for (const auto& cells : read_table("kfunc-calls.txt", 5)) {
    uint32_t id = kfunc(cells[0]);
    ASSERT_NE(id, 0u) << cells[0];
    uint64_t sites = std::stoull(cells[2], nullptr, 16);
    for (size_t i = 0; i < std::size(kfunc_table::kSites); ++i)
      if (sites >> i & 1)
        comparison.ask(cells[0] + " " + cells[1], kfunc_table::kSites[i],
                       kfunc_table::program(*kernel_->btf(), id, cells[1][0]),
                       std::stoi(cells[3]), cells[4]);
  }
  comparison.done(27'000);
}

TEST_F(KfuncTable, EveryRegisterInEveryArgument) {
  Comparison comparison(*kernel_);
  kfunc_table::Maps maps{TwoMaps::kArray, TwoMaps::kRingbuf};
  for (const auto& cells : read_table("kfunc-arguments.txt", 6)) {
    uint32_t id = kfunc(cells[0]);
    ASSERT_NE(id, 0u) << cells[0];
    auto position = static_cast<uint32_t>(std::stoul(cells[1]));
    std::istringstream sites(cells[2]);
    for (std::string site; std::getline(sites, site, ',');)
      for (char kind : cells[3])
        comparison.ask(cells[0] + " arg " + cells[1] + " " + kind, kfunc_table::site_named(site),
                       kfunc_table::program_with(*kernel_->btf(), id, position, kind, maps),
                       std::stoi(cells[4]), cells[5]);
  }
  comparison.done(30'000);
}

}  // namespace
}  // namespace drydock
