// SPDX-License-Identifier: Apache-2.0
// The whole verifier against the tables of real kernels' answers: every access to every context,
// every helper called by every kind of program (with the kernel's message), every LSM hook.
// Exhaustive where the verifier's other tests sample.
#include <gtest/gtest.h>

#include <cerrno>

#include "answers/answer_table.h"
#include "answers/context_questions.h"
#include "answers/helper_questions.h"
#include "answers/host_bpf.h"
#include "answers/lsm_questions.h"
#include "contexts/program_rules.h"
#include "helpers/helper_ids.h"
#include "verifier/verify.h"

namespace drydock::testing {
namespace {

class NoDescriptors : public FdTable {
 public:
  std::shared_ptr<const MapInfo> map(int, int* err) override { return *err = EBADF, nullptr; }
  std::shared_ptr<const Btf> btf(int, int* err) override { return *err = EBADF, nullptr; }
};

const Profile& profile618() {
  static const std::shared_ptr<const Profile> profile = *Profile::load("6.18");
  return *profile;
}

Verdict ask(const Profile& profile, const HostQuestion& question) {
  NoDescriptors fds;
  ProgramInput program{.insns = {question.insns.begin(), question.insns.end()},
                       .type = question.type,
                       .expected_attach_type = stored_attach_type(question.type, question.attach),
                       .flags = question.flags,
                       .license = question.license,
                       .attach_btf_id = question.attach_btf_id};
  if (question.attach_btf_id != 0) program.attach_btf = profile.btf();
  return verify(program, profile, fds);
}

// The message as the kernel's table has it; what is no rejection by its own name.
std::string in_words(const Verdict& verdict, HelperId id) {
  switch (verdict.kind) {
    case VerdictKind::kAccepted: return "ok";
    case VerdictKind::kRejected: return without_helper(verdict.message, id);
    case VerdictKind::kUnsupported: return "unsupported: " + verdict.message;
    case VerdictKind::kMalformed: return "malformed: " + verdict.message;
    case VerdictKind::kInternalError: return "internal error: " + verdict.message;
  }
  return "";
}

Asked verifier(const Profile& profile) {
  return [&profile](const HostQuestion& question) {
    return ask(profile, question).kind == VerdictKind::kAccepted;
  };
}

TEST(KernelAnswers, EveryAccessToEveryContext) {
  for (const ContextStruct* context : all_context_structs()) {
    if (context->kind != ContextKind::kRows || context->program_types == 0) continue;
    auto ours = ask_about(*context, context_oracle(verifier(profile618())), profile618());
    auto theirs = read_sections(read_table(table_name(*context)));
    for (const auto& [name, body] : ours) EXPECT_EQ("", difference(theirs[name], body)) << name;
  }
}

TEST(KernelAnswers, EveryHelperOfEveryKindOfProgram) {
  auto table = read_sections(read_table("helpers"));
  size_t different = 0;
  for (const HelperAsker& asker : helper_askers(profile618())) {
    auto theirs = read_numbered(table[asker.name]);
    for (HelperId id = 0; id <= last_helper_asked(); ++id) {
      auto insns = helper_program(asker, id);
      std::string ours = in_words(ask(profile618(), helper_question(asker, insns)), id);
      if (ours != theirs[id] && different++ < 40)
        ADD_FAILURE() << asker.name << ", helper " << id << "\n  kernel: " << theirs[id]
                      << "\n  ours:   " << ours;
    }
  }
  EXPECT_EQ(0u, different);
}

// The same questions to the kernel that this runs on, and to its profile.
TEST(KernelAnswers, EveryHelperAsTheKernelUnderneath) {
  if (std::string why = host_unavailable(); !why.empty()) GTEST_SKIP() << "host kernel: " << why;
  auto loaded = Profile::load("host");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  const Profile& running = **loaded;
  HelperOracle kernel = helper_host_oracle();
  size_t asked = 0, different = 0;
  for (const HelperAsker& asker : helper_askers(running)) {
    if (asker.trampoline) continue;
    for (HelperId id = 0; id <= last_helper_asked(); ++id, ++asked) {
      // Taken away where a kernel is locked down, which no profile tells.
      if (id == helper_id::probe_write_user) continue;
      auto insns = helper_program(asker, id);
      std::string ours = in_words(ask(running, helper_question(asker, insns)), id);
      std::string theirs = kernel(asker, id);
      if (ours != theirs && different++ < 40)
        ADD_FAILURE() << asker.name << ", helper " << id << "\n  kernel: " << theirs
                      << "\n  ours:   " << ours;
    }
  }
  EXPECT_EQ(0u, different);
  EXPECT_GT(asked, 40'000u);
}

TEST(KernelAnswers, EveryLsmHook) {
  auto table = read_sections(read_table("lsm-hooks"));
  LsmOracle oracle = lsm_oracle(profile618(), verifier(profile618()));
  for (const LsmHook& hook : all_lsm_hooks())
    EXPECT_EQ(table[std::string(hook.name)], ask_about_hook(hook, oracle)) << hook.name;
}

}  // namespace
}  // namespace drydock::testing
