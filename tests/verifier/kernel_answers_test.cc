// SPDX-License-Identifier: Apache-2.0
// The whole verifier against the tables of real kernels' answers: every access to every context,
// every helper called by every kind of program (with the kernel's message), every LSM hook, on each
// kernel that there are tables of. Exhaustive where the verifier's other tests sample. Known
// differences are in the ledgers beside the tables.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>

#include "answers/answer_table.h"
#include "answers/argument_questions.h"
#include "answers/context_questions.h"
#include "answers/helper_questions.h"
#include "answers/host_bpf.h"
#include "answers/ledger.h"
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
  /// Of the types that the kernel has: programs with others were not put to it.
  static MapFds fds(const Profile& profile) {
    return [&profile](MapType type) {
      const MapRow* row = map_row(type);
      return row && has_map_type(*row, profile) ? fd(type) : std::nullopt;
    };
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

// What bpf(2) itself refuses before it verifies.
bool loads(const Profile& profile, const HostQuestion& question) {
  return has_program_type(question.type, profile) &&
         accepts_attach_type(question.type, stored_attach_type(question.type, question.attach),
                             profile);
}

// The message as the kernel's table has it; what is no rejection by its own name.
std::string in_words(const Verdict& verdict) {
  switch (verdict.kind) {
    case VerdictKind::kAccepted: return "ok";
    case VerdictKind::kRejected:
      return verdict.message.empty() ? std::string("no message, ") + std::strerror(verdict.err)
                                     : verdict.message;
    case VerdictKind::kUnsupported: return "unsupported: " + verdict.message;
    case VerdictKind::kMalformed: return "malformed: " + verdict.message;
    case VerdictKind::kInternalError: return "internal error: " + verdict.message;
  }
  return "";
}

std::string answer(const Profile& profile, const HostQuestion& question) {
  if (!loads(profile, question)) return std::string("no message, ") + std::strerror(EINVAL);
  return in_words(ask(profile, question));
}

Asked verifier(const Profile& profile) {
  return [&profile](const HostQuestion& question) {
    return loads(profile, question) && ask(profile, question).kind == VerdictKind::kAccepted;
  };
}

class KernelAnswers : public ::testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    auto loaded = Profile::load(GetParam());
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    profile_ = *loaded;
  }
  const Profile& profile() const { return *profile_; }
  TableComparison comparison(std::string_view table) const { return {GetParam(), table}; }
  Sections table(std::string_view name) const { return read_table(GetParam(), name); }

  // Each answer of one section.
  static void compare(TableComparison& comparison, const std::string& section,
                      const Answers& theirs, const Answers& ours) {
    for (const auto& [question, answer] : ours) {
      auto at = theirs.find(question);
      comparison.compare(section, question, at == theirs.end() ? "" : at->second, answer);
    }
    for (const auto& [question, answer] : theirs)
      if (!ours.contains(question)) comparison.compare(section, question, answer, "");
  }

 private:
  std::shared_ptr<const Profile> profile_;
};

// Lines "load 4: 0-28" by what is before the colon, and "lsm may return 0 1" by what is before
// that.
Answers by_line(const std::string& body) {
  Answers lines;
  std::istringstream stream(body);
  for (std::string line; std::getline(stream, line);) {
    size_t end = std::min(line.find(": "), line.find(" may "));
    lines[line.substr(0, end)] = end >= line.size() ? "yes" : line.substr(end + 1);
  }
  return lines;
}

TEST_P(KernelAnswers, EveryAccessToEveryContext) {
  for (const ContextStruct* context : all_context_structs()) {
    if (context->kind != ContextKind::kRows || context->program_types == 0) continue;
    TableComparison found = comparison(table_name(*context));
    Sections theirs = table(table_name(*context));
    for (const auto& [name, body] : ask_about(*context, context_oracle(verifier(profile()))))
      compare(found, name, by_line(theirs[name]), by_line(body));
    EXPECT_EQ(found.complaints(), "");
  }
}

TEST_P(KernelAnswers, EveryAccessThroughPointersToSockets) {
  TableComparison found = comparison("pointers");
  Sections theirs = table("pointers");
  PointerOracle oracle = pointer_oracle(verifier(profile()), *DescribedMaps::fd(MapType::kXskmap));
  for (Pointee pointee : kPointees) {
    std::string name(name_of(pointee));
    compare(found, name, by_line(theirs[name]), by_line(ask_about(pointee, oracle)));
  }
  EXPECT_EQ(found.complaints(), "");
}

TEST_P(KernelAnswers, EveryHelperOfEveryKindOfProgram) {
  TableComparison found = comparison("helpers");
  Sections theirs = table("helpers");
  for (const HelperAsker& asker : helper_askers(profile())) {
    auto answers = read_numbered(theirs[asker.name]);
    for (HelperId id = 0; id <= last_helper_asked(); ++id) {
      auto insns = helper_program(asker, id);
      found.compare(asker.name, std::to_string(id), answers[id],
                    without_helper(answer(profile(), helper_question(asker, insns)), id));
    }
  }
  EXPECT_EQ(found.complaints(), "");
  EXPECT_GT(found.asked(), 40'000u);
}

// Each value in each argument of each helper, maps of every type among them.
TEST_P(KernelAnswers, EveryValueInEveryArgument) {
  TableComparison found = comparison("helper-arguments");
  Sections theirs = table("helper-arguments");
  for (const Prototype& prototype : prototypes(profile()))
    compare(found, prototype.name(), read_values(theirs[prototype.name()]),
            ask_about_arguments(prototype, profile(), DescribedMaps::fds(profile()),
                                [&](const HostQuestion& question) {
                                  return answer(profile(), question);
                                }));
  EXPECT_EQ(found.complaints(), "");
  EXPECT_GT(found.asked(), 7'000u);
}

// What BTF and its rows make of each argument of tracepoints, iterators and LSM hooks.
TEST_P(KernelAnswers, EveryArgumentTypedByBtf) {
  TableComparison found = comparison("typed-contexts");
  Sections theirs = table("typed-contexts");
  auto targets = typed_targets(profile());
  EXPECT_EQ(theirs.size(), targets.size());
  for (const TypedTarget& target : targets)
    compare(found, target.name, read_values(theirs[target.name]),
            ask_about_target(target, [&](const HostQuestion& question) {
              return answer(profile(), question);
            }));
  EXPECT_EQ(found.complaints(), "");
}

TEST_P(KernelAnswers, EveryLsmHook) {
  TableComparison found = comparison("lsm-hooks");
  Sections theirs = table("lsm-hooks");
  LsmOracle oracle = lsm_oracle(profile(), verifier(profile()));
  for (const LsmHook& hook : all_lsm_hooks())
    if (has_lsm_hook(hook, profile()))
      compare(found, std::string(hook.name), by_line(theirs[std::string(hook.name)]),
              by_line(ask_about_hook(hook, oracle)));
  EXPECT_EQ(found.complaints(), "");
}

std::string test_name(const ::testing::TestParamInfo<std::string_view>& info) {
  std::string name = "Linux" + std::string(info.param);
  std::ranges::replace(name, '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Tables, KernelAnswers, ::testing::ValuesIn(kKernels), test_name);

// The same questions to the kernel that this runs on, and to its profile.
TEST(RunningKernel, AnswersTheSameOfEveryHelper) {
  if (std::string why = host_unavailable(); !why.empty())
    GTEST_SKIP() << "skipped: host kernel: " << why;
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
      std::string ours = without_helper(answer(running, helper_question(asker, insns)), id);
      std::string theirs = kernel(asker, id);
      if (ours != theirs && different++ < 40)
        ADD_FAILURE() << asker.name << ", helper " << id << "\n  kernel: " << theirs
                      << "\n  ours:   " << ours;
    }
  }
  EXPECT_EQ(0u, different);
  EXPECT_GT(asked, 40'000u);
}

}  // namespace
}  // namespace drydock::testing
