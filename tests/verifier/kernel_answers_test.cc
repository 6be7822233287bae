// SPDX-License-Identifier: Apache-2.0
// The whole verifier against the tables of real kernels' answers: every access to every context,
// every helper called by every kind of program (with the kernel's message), every LSM hook.
// Exhaustive where the verifier's other tests sample.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <optional>

#include "answers/answer_table.h"
#include "answers/argument_questions.h"
#include "answers/context_questions.h"
#include "answers/helper_questions.h"
#include "answers/host_bpf.h"
#include "answers/lsm_questions.h"
#include "answers/test_maps.h"
#include "answers/typed_questions.h"
#include "contexts/program_rules.h"
#include "helpers/helper_ids.h"
#include "maps/map_rows.h"
#include "verifier/verify.h"

namespace drydock::testing {
namespace {

// The maps that programs are asked with; a map's descriptor tells its type.
class DescribedMaps : public FdTable {
 public:
  static constexpr int kFirst = 1000;
  static std::optional<int> fd(MapType type) {
    return test_map(type) ? std::optional(kFirst + static_cast<int>(type)) : std::nullopt;
  }

  std::shared_ptr<const MapInfo> map(int fd, int* err) override {
    auto type = static_cast<MapType>(fd - kFirst);
    if (fd < kFirst || !test_map(type)) return *err = EBADF, nullptr;
    auto& known = maps_[type];
    if (!known) known = describe(*test_map(type));
    return known;
  }
  std::shared_ptr<const Btf> btf(int, int* err) override { return *err = EBADF, nullptr; }

 private:
  std::shared_ptr<MapInfo> describe(const TestMap& map) {
    auto info = std::make_shared<MapInfo>();
    info->id = static_cast<uint32_t>(map.type);
    info->type = map.type;
    info->key_size = map.key_size;
    info->value_size = map.value_size;
    info->max_entries = map.max_entries;
    info->map_flags = map.flags | map_row(map.type)->adds_flags;
    if (map.of_maps) info->inner = describe(*test_map(MapType::kArray));
    return info;
  }
  std::map<MapType, std::shared_ptr<MapInfo>> maps_;
};

const Profile& profile618() {
  static const std::shared_ptr<const Profile> profile = *Profile::load("6.18");
  return *profile;
}

Verdict ask(const Profile& profile, const HostQuestion& question) {
  DescribedMaps fds;
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

TEST(KernelAnswers, EveryAccessThroughPointersToSockets) {
  auto table = read_sections(read_table("pointers"));
  PointerOracle oracle =
      pointer_oracle(verifier(profile618()), *DescribedMaps::fd(MapType::kXskmap));
  for (Pointee pointee : kPointees)
    EXPECT_EQ(table[std::string(name_of(pointee))], ask_about(pointee, oracle))
        << name_of(pointee);
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

// Each value in each argument of each helper, maps of every type among them.
TEST(KernelAnswers, EveryValueInEveryArgument) {
  auto table = read_sections(read_table("helper-arguments"));
  size_t asked = 0, different = 0;
  for (const Prototype& prototype : prototypes(profile618())) {
    auto theirs = read_values(table[prototype.name()]);
    auto ours = ask_about_arguments(prototype, profile618(), DescribedMaps::fd,
                                    [](const HostQuestion& question) {
                                      return in_words(ask(profile618(), question), 0);
                                    });
    asked += ours.size();
    for (const auto& [value, message] : ours)
      if (message != theirs[value] && different++ < 40)
        ADD_FAILURE() << prototype.name() << " in " << prototype.asker.name << ", " << value
                      << "\n  kernel: " << theirs[value] << "\n  ours:   " << message;
  }
  EXPECT_EQ(0u, different);
  EXPECT_GT(asked, 10'000u);
}

// What BTF and its rows make of each argument of tracepoints, iterators and LSM hooks.
TEST(KernelAnswers, EveryArgumentTypedByBtf) {
  auto table = read_sections(read_table("typed-contexts"));
  size_t different = 0;
  auto targets = typed_targets(profile618());
  EXPECT_EQ(table.size(), targets.size());
  for (const TypedTarget& target : targets) {
    auto theirs = read_values(table[target.name]);
    auto ours = ask_about_target(target, [](const HostQuestion& question) {
      return in_words(ask(profile618(), question), 0);
    });
    for (const auto& [value, message] : ours)
      if (message != theirs[value] && different++ < 40)
        ADD_FAILURE() << target.name << ", " << value << "\n  kernel: " << theirs[value]
                      << "\n  ours:   " << message;
  }
  EXPECT_EQ(0u, different);
}

// The same questions to the kernel that this runs on, and to its profile.
TEST(KernelAnswers, EveryHelperAsTheKernelUnderneath) {
  if (std::string why = host_unavailable(); !why.empty()) GTEST_SKIP() << "skipped: host kernel: " << why;
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
