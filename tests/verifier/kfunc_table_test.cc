// SPDX-License-Identifier: Apache-2.0
// The verifier against what real kernels answered to every kfunc called from every kind of program,
// and to every kind of register in its arguments.
#include "answers/kfunc_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "answers/answer_table.h"
#include "answers/ledger.h"
#include "contexts/program_rules.h"
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

class KfuncTable : public ::testing::TestWithParam<std::string_view> {
 protected:
  std::shared_ptr<const Profile> kernel_ = Profile::load(GetParam()).value();
  TwoMaps maps_;

  kfunc_table::Answers theirs(std::string_view table) const {
    std::string whole = testing::table_file(testing::kWholeKernel, table);
    kfunc_table::Answers answers = kfunc_table::read(table, whole);
    if (GetParam() == testing::kWholeKernel) return answers;
    return kfunc_table::with_changes(
        std::move(answers), kfunc_table::read(table, testing::table_file(GetParam(), table)));
  }
  kfunc_table::Loader verifier() {
    return [this](const kfunc_table::Site& site,
                  const std::vector<isa::Insn>& code) -> kfunc_table::Answer {
      if (!has_program_type(site.type, *kernel_)) return {EINVAL, ""};
      Verdict v = verify(input(*kernel_, site, code), *kernel_, maps_, {.log_level = kLogStats});
      bool known = v.kind == VerdictKind::kAccepted || v.kind == VerdictKind::kRejected;
      return {v.err, known ? kfunc_table::answer_of(v.log) : "not modelled: " + v.message};
    };
  }
  void compare(std::string_view table, const kfunc_table::Answers& kernels,
               const kfunc_table::Answers& ours) {
    testing::TableComparison found(GetParam(), table);
    auto text = [](const kfunc_table::Answer& answer) {
      return std::to_string(answer.err) + " " + answer.log;
    };
    auto section = [](const kfunc_table::Question& q) {
      return q.kfunc + " " + q.argument + (q.kind ? std::string(" ") + q.kind : "");
    };
    for (const auto& [question, answer] : ours) {
      auto at = kernels.find(question);
      found.compare(section(question), question.site, at == kernels.end() ? "" : text(at->second),
                    text(answer));
    }
    for (const auto& [question, answer] : kernels)
      if (!ours.contains(question))
        found.compare(section(question), question.site, text(answer), "");
    EXPECT_EQ(found.complaints(), "");
  }
};

std::set<std::string> kfuncs_of(const kfunc_table::Answers& answers) {
  std::set<std::string> names;
  for (const auto& [question, answer] : answers) names.insert(question.kfunc);
  return names;
}

TEST_P(KfuncTable, EveryKfuncFromEveryProgram) {
  kfunc_table::Answers kernels = theirs(kfunc_table::kCalls), ours;
  for (const std::string& kfunc : kfuncs_of(kernels))
    ours.merge(kfunc_table::ask_calls(*kernel_->btf(), kfunc, verifier()));
  compare(kfunc_table::kCalls, kernels, ours);
}

TEST_P(KfuncTable, EveryRegisterInEveryArgument) {
  kfunc_table::Answers kernels = theirs(kfunc_table::kArguments), ours;
  kfunc_table::Maps maps{TwoMaps::kArray, TwoMaps::kRingbuf};
  for (const std::string& kfunc : kfuncs_of(kernels))
    ours.merge(kfunc_table::ask_arguments(*kernel_->btf(), kfunc, maps, kernel_->version(),
                                          verifier()));
  compare(kfunc_table::kArguments, kernels, ours);
}

INSTANTIATE_TEST_SUITE_P(Tables, KfuncTable, ::testing::ValuesIn(testing::kKernels),
                         [](const auto& info) {
                           std::string name = "Linux" + std::string(info.param);
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace drydock
