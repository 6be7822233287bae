// SPDX-License-Identifier: Apache-2.0
// How far Drydock agrees with real kernels, shown without one: their kept answers (corpus/answers)
// to the programs of our corpus and of the kernel's selftests, judged by the ledger.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "referee/compare_run.h"

namespace drydock::referee {
namespace {

namespace fs = std::filesystem;

const std::string kSource = DRYDOCK_SOURCE_DIR;

// What a suite was compiled of, and by what: answers are kept for that.
std::string source_of(const std::string& suite) {
  std::ifstream file(suite == "corpus" ? DRYDOCK_BINARY_DIR "/version"
                                       : kSource + "/build/selftests/version");
  std::string line;
  std::getline(file, line);
  return line;
}

struct Row {
  std::string suite, kernel;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.suite << " on " << row.kernel; }

class Parity : public testing::TestWithParam<Row> {};

TEST_P(Parity, IsAsTheLedgerSays) {
  const auto& [suite_name, kernel] = GetParam();
  Suite suite{.name = suite_name};
  suite.objects = objects_in(suite_name == "corpus" ? DRYDOCK_BINARY_DIR "/corpus"
                                                    : kSource + "/build/selftests/objects");
  if (suite.objects.empty() && suite_name == "selftests")
    GTEST_SKIP() << "skipped: the kernel's selftests are not compiled (make selftests)";
  ASSERT_FALSE(suite.objects.empty());
  suite.source = source_of(suite_name);
  auto ledger = Ledger::read(kSource + "/corpus/ledger.json");
  ASSERT_TRUE(ledger) << ledger.error().message;
  CompareSettings settings{.answers = kSource + "/corpus/answers", .jobs = 2, .ledger = &*ledger};
  auto comparison = compare_suite(suite, "stored:" + kernel, settings);
  ASSERT_TRUE(comparison) << comparison.error().message;
  if (!comparison->skipped.empty()) GTEST_SKIP() << "skipped: " << comparison->skipped;
  Summary s = summarise(comparison->pairs);
  EXPECT_GT(s.compared, 0u);
  for (const std::string& wrong : comparison->wrong) ADD_FAILURE() << wrong;
  if (testing::Test::HasFailure()) std::cout << to_text({*comparison}, 30);
}

// Every kernel whose answers are kept.
std::vector<Row> rows() {
  std::vector<Row> list;
  for (const auto& folder : fs::directory_iterator(kSource + "/corpus/answers"))
    for (const char* suite : {"corpus", "selftests"})
      list.push_back({suite, folder.path().filename()});
  std::ranges::sort(list, {}, [](const Row& r) { return r.suite + r.kernel; });
  return list;
}
INSTANTIATE_TEST_SUITE_P(Kernels, Parity, testing::ValuesIn(rows()), [](const auto& info) {
  std::string name = info.param.suite + "_" + info.param.kernel;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST(Parity, SelftestAnnotationsAreMetWhereTheKernelMeetsThem) {
  Suite suite{.name = "selftests", .objects = objects_in(kSource + "/build/selftests/objects")};
  if (suite.objects.empty())
    GTEST_SKIP() << "skipped: the kernel's selftests are not compiled (make selftests)";
  suite.source = source_of("selftests");
  auto c =
      compare_suite_annotations(suite, "stored:6.18", {.answers = kSource + "/corpus/answers"});
  ASSERT_TRUE(c) << c.error().message;
  if (!c->skipped.empty()) GTEST_SKIP() << "skipped: " << c->skipped;
  AnnotationSummary s = summarise(c->pairs);
  constexpr size_t kPerMille = 998;  // 1,517 of 1,521 and more were met when this was written
  EXPECT_GE(s.both_meet * 1000, s.kernel_meets * kPerMille) << to_text(*c, 50);
  EXPECT_GT(s.kernel_meets, 1000u);
}

}  // namespace
}  // namespace drydock::referee
