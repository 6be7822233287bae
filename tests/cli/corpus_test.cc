// SPDX-License-Identifier: Apache-2.0
// The corpus: every case passes on the emulated kernel, and every program gets the verdict, the errno,
// the final line and the counts that the real kernel of the profile gave (corpus/answers).
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
  CaseOutcome outcome = file->run(profile(), {{kObjects}});
  EXPECT_EQ(outcome.kind, CaseOutcome::Kind::kPassed) << outcome.step << " " << outcome.message;
}
INSTANTIATE_TEST_SUITE_P(Corpus, CorpusCase, testing::ValuesIn(files_below(kCorpus + "/cases", ".json")),
                         [](const auto& info) { return stem(info.param); });

struct Stored {
  std::string verdict, message;
  int err = 0;
  uint64_t insns = 0;
  uint32_t states = 0;
};

std::map<std::string, Stored> stored_answers() {
  std::map<std::string, Stored> answers;
  std::ifstream file(kCorpus + "/answers/6.18.tsv");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    std::vector<std::string> f;
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, '\t');) f.push_back(field);
    f.resize(7);
    answers[f[0] + ":" + f[1]] = {f[2], f[6], std::stoi(f[3]), std::stoull(f[4]), static_cast<uint32_t>(std::stoul(f[5]))};
  }
  return answers;
}

class CorpusObject : public testing::TestWithParam<std::string> {};

TEST_P(CorpusObject, AnswersAsTheKernelDid) {
  ASSERT_NE(profile(), nullptr);
  static const std::map<std::string, Stored> answers = stored_answers();
  ASSERT_FALSE(answers.empty());
  auto bytes = read_file(GetParam());
  ASSERT_TRUE(bytes) << bytes.error().message;
  Kernel kernel(profile(), {.verifier = verify});
  Loader loader(kernel);
  auto object = loader.inspect(*bytes, GetParam());
  ASSERT_TRUE(object) << object.error().message;
  ASSERT_FALSE(object->programs.empty());
  for (const InspectedProgram& p : object->programs) {
    std::string key = fs::path(GetParam()).filename().string() + ":" + p.name;
    auto answer = answers.find(key);
    ASSERT_NE(answer, answers.end()) << key << " has no stored answer";
    ASSERT_NE(p.program, nullptr) << key << ": " << p.error.message;
    Verdict v = kernel.verify(*p.program, {});
    const Stored& kernel_said = answer->second;
    EXPECT_EQ(v.kind == VerdictKind::kAccepted ? "accepted" : v.kind == VerdictKind::kRejected ? "rejected" : "not answered",
              kernel_said.verdict) << key << ": " << v.message;
    EXPECT_EQ(v.err, kernel_said.err) << key;
    EXPECT_EQ(v.message, kernel_said.message) << key;
    EXPECT_EQ(v.statistics.insns_processed, kernel_said.insns) << key;
    EXPECT_EQ(v.statistics.total_states, kernel_said.states) << key;
  }
}
INSTANTIATE_TEST_SUITE_P(Corpus, CorpusObject, testing::ValuesIn(files_below(kObjects, ".bpf.o")),
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
      {R"({"object": "maps.bpf.o", "stepz": [], "steps": [{"cpu": {"cpu": 0}}]})", "did you mean `steps`?"},
      {R"({"object": "maps.bpf.o", "steps": [{"soket": {"name": "s"}}]})", "did you mean `socket`?"},
      {R"({"object": "maps.bpf.o", "steps": [{"socket": {"name": "s", "famly": "inet"}}]})", "did you mean `family`?"},
      {R"({"object": "maps.bpf.o", "steps": [{"load": {"program": "fill_hsh"}}]})", "did you mean `fill_hash`?"},
      {R"({"object": "service_connect.bpf.o", "maps": {"servics": []}, "steps": [{"cpu": {"cpu": 0}}]})", "did you mean `services`?"},
      {R"({"object": "maps.bpf.o", "task": {"fields": {"pidd": 1}}, "steps": [{"cpu": {"cpu": 0}}]})", "no field `pidd`"},
      {R"({"object": "maps.bpf.o", "steps": [{"connect": {"socket": "s", "address": "1.2.3.4:99999"}}]})", "65535"},
      {R"({"object": "maps.bpf.o", "steps": [{"cpu": {"cpu": 9}}]})", "CPU 9 does not exist"},
  };
  ASSERT_NE(profile(), nullptr);
  for (const Row& row : rows) {
    CaseOutcome outcome = run_text(row.text);
    EXPECT_EQ(outcome.kind, CaseOutcome::Kind::kMalformed) << row.text;
    EXPECT_NE(outcome.message.find(row.part), std::string::npos) << row.text << "\n  gives: " << outcome.message;
  }
  std::string deep(200, '[');
  EXPECT_NE(run_text("{\"object\": " + deep + std::string(200, ']') + "}").message.find("nested deeper"), std::string::npos);
}

}  // namespace
}  // namespace drydock
