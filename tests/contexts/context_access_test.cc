// SPDX-License-Identifier: Apache-2.0
// The rows of the contexts against real kernels: exhaustively against the tables of the kernel
// that the 6.18 profile is of, and against the kernel underneath where it can be asked.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "answers/answer_table.h"
#include "answers/context_questions.h"
#include "answers/host_bpf.h"
#include "contexts/context_rows.h"
#include "kernel/profile.h"

namespace drydock::testing {
namespace {

// Each loaded once.
std::shared_ptr<const Profile> profile(std::string_view name) {
  static std::map<std::string, std::shared_ptr<const Profile>, std::less<>> loaded;
  auto known = loaded.find(name);
  if (known != loaded.end()) return known->second;
  auto fresh = Profile::load(name);
  EXPECT_TRUE(fresh.has_value()) << fresh.error().message;
  return loaded[std::string(name)] = fresh ? *fresh : nullptr;
}

class EveryContext : public ::testing::TestWithParam<const ContextStruct*> {};

TEST_P(EveryContext, RowsAnswerAsTheKernelOfTheProfileDid) {
  auto p618 = profile("6.18");
  ASSERT_TRUE(p618);
  auto ours = ask_about(*GetParam(), context_rows_oracle(*p618));
  auto theirs = read_table("6.18", table_name(*GetParam()));
  ASSERT_EQ(theirs.size(), ours.size());
  for (const auto& [name, body] : ours) EXPECT_EQ("", difference(theirs[name], body)) << name;
}

// Linux 6.18 lets a probe write the registers that it gets (6.18.15 and 7.2.12 do); some kernels of
// that release refuse every such store. docs/contexts.md lists it.
bool refuses_register_writes(const ContextStruct& context) {
  return context.name == "pt_regs" && !context_oracle(host())({.type = ProgramType::kKprobe,
                                                               .offset = 8,
                                                               .width = 8,
                                                               .touch = Touch::kStoreRegister});
}

std::string without_stores(const std::string& answers) {
  std::istringstream lines(answers);
  std::string kept;
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("store")) kept += line + "\n";
  return kept;
}

TEST_P(EveryContext, RowsAnswerAsTheKernelUnderneath) {
  if (std::string why = host_unavailable(); !why.empty())
    GTEST_SKIP() << "skipped: host kernel: " << why;
  auto running = profile("host");
  ASSERT_TRUE(running);
  auto ours = ask_about(*GetParam(), context_rows_oracle(*running));
  auto theirs = ask_about(*GetParam(), context_oracle(host()));
  bool refuses = refuses_register_writes(*GetParam());
  for (auto& [name, body] : ours)
    EXPECT_EQ("", difference(theirs[name], refuses ? without_stores(body) : body)) << name;
}

TEST(SocketPointers, RowsAnswerAsTheKernelOfTheProfileDid) {
  auto table = read_table("6.18", "pointers");
  ASSERT_EQ(std::size(kPointees), table.size());
  for (Pointee pointee : kPointees)
    EXPECT_EQ(table[std::string(name_of(pointee))], ask_about(pointee, rows_admit))
        << name_of(pointee);
}

std::vector<const ContextStruct*> contexts_with_rows() {
  std::vector<const ContextStruct*> contexts;
  for (const ContextStruct* context : all_context_structs())
    if (context->kind == ContextKind::kRows && context->program_types != 0)
      contexts.push_back(context);
  return contexts;
}

INSTANTIATE_TEST_SUITE_P(Rows, EveryContext, ::testing::ValuesIn(contexts_with_rows()),
                         [](const auto& info) {
                           std::string name = table_name(*info.param);
                           for (char& c : name)
                             if (!isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace drydock::testing
