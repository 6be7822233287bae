// SPDX-License-Identifier: Apache-2.0
// The corpus: every case passes on the emulated kernel. (What real kernels said of its programs is
// held in tests/referee/parity_test.cc.)
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/file.h"
#include "emulator/cases/case_run.h"
#include "emulator/loader/object.h"

namespace drydock {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<const Profile> profile() {
  static const auto loaded = Profile::load("6.18");
  return loaded ? *loaded : nullptr;
}

std::vector<std::string> files_below(const std::string& folder, const std::string& extension) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().string().ends_with(extension)) files.push_back(entry.path().string());
  std::ranges::sort(files);
  return files;
}
const std::string kObjects = std::string(DRYDOCK_BINARY_DIR) + "/corpus";
const std::string kTestObjects = std::string(DRYDOCK_BINARY_DIR) + "/tests/bpf";
const std::string kCorpus = std::string(DRYDOCK_SOURCE_DIR) + "/corpus";

std::string stem(const std::string& path) {
  std::string name = fs::path(path).stem().string();
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

class CorpusCase : public testing::TestWithParam<std::string> {};

TEST_P(CorpusCase, Passes) {
  ASSERT_NE(profile(), nullptr);
  auto file = CaseFile::read(GetParam());
  ASSERT_TRUE(file) << file.error().message;
  CaseOutcome outcome = file->run(profile(), {{kObjects, kTestObjects}});
  EXPECT_EQ(outcome.kind, CaseOutcome::Kind::kPassed) << outcome.step << " " << outcome.message;
}
INSTANTIATE_TEST_SUITE_P(Corpus, CorpusCase,
                         testing::ValuesIn(files_below(kCorpus + "/cases", ".json")),
                         [](const auto& info) { return stem(info.param); });

// What the corpus has no room for: kernels before 6.7 have no such kfuncs.
INSTANTIATE_TEST_SUITE_P(Tests, CorpusCase,
                         testing::ValuesIn(files_below(
                             std::string(DRYDOCK_SOURCE_DIR) + "/tests/emulator/cases", ".json")),
                         [](const auto& info) { return stem(info.param); });

/// Runs a case given as text, beside nothing.
CaseOutcome run_text(const std::string& text) {
  std::string path = testing::TempDir() + "/drydock-case.json";
  std::ofstream(path) << text;
  auto file = CaseFile::read(path);
  if (!file) return {CaseOutcome::Kind::kMalformed, file.error().message, "", 0};
  return file->run(profile(), {{kObjects}});
}

TEST(BadCases, AreNamedWithWhatIsWrong) {
  struct Row {
    const char* text;
    const char* part;
  };
  const Row rows[] = {
      {"{", "parse error"},
      {"[]", "a case is an object"},
      {R"({"object": "nowhere.bpf.o", "steps": []})", "`nowhere.bpf.o`"},
      {R"({"object": "maps.bpf.o"})", "a list of steps"},
      {R"({"object": "maps.bpf.o", "stepz": [], "steps": [{"cpu": {"cpu": 0}}]})",
       "did you mean `steps`?"},
      {R"({"object": "maps.bpf.o", "steps": [{"soket": {"name": "s"}}]})",
       "did you mean `socket`?"},
      {R"({"object": "maps.bpf.o", "steps": [{"socket": {"name": "s", "famly": "inet"}}]})",
       "did you mean `family`?"},
      {R"({"object": "maps.bpf.o", "steps": [{"load": {"program": "fill_hsh"}}]})",
       "did you mean `fill_hash`?"},
      {R"({"object": "service_connect.bpf.o", "maps": {"servics": []}, "steps": [{"cpu": {"cpu": 0}}]})",
       "did you mean `services`?"},
      {R"({"object": "maps.bpf.o", "task": {"fields": {"pidd": 1}}, "steps": [{"cpu": {"cpu": 0}}]})",
       "no field `pidd`"},
      {R"({"object": "maps.bpf.o", "steps": [{"connect": {"socket": "s", "address": "1.2.3.4:99999"}}]})",
       "65535"},
      {R"({"object": "maps.bpf.o", "steps": [{"cpu": {"cpu": 9}}]})", "CPU 9 does not exist"},
  };
  ASSERT_NE(profile(), nullptr);
  for (const Row& row : rows) {
    CaseOutcome outcome = run_text(row.text);
    EXPECT_EQ(outcome.kind, CaseOutcome::Kind::kMalformed) << row.text;
    EXPECT_NE(outcome.message.find(row.part), std::string::npos)
        << row.text << "\n  gives: " << outcome.message;
  }
  std::string deep(200, '[');
  EXPECT_NE(
      run_text("{\"object\": " + deep + std::string(200, ']') + "}").message.find("nested deeper"),
      std::string::npos);
}

}  // namespace
}  // namespace drydock
