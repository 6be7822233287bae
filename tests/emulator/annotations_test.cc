// SPDX-License-Identifier: Apache-2.0
// Annotated programs: the tags, the patterns, and the cases that an object holds. What a tag means
// is documented with the kernel's selftests (progs/bpf_misc.h).
#include "emulator/cases/annotations.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

#include "../kernel/btf_builder.h"
#include "base/file.h"
#include "emulator/cases/annotated_run.h"

namespace drydock {
namespace {

Result<std::optional<Annotations>> read_tags(const std::vector<std::string>& tags) {
  BtfBuilder btf;
  uint32_t integer = btf.integer("int", 4, 1);
  uint32_t function = btf.add("prog", BtfKind::kFunc, 1, btf.func_proto(integer, {}));
  for (const std::string& tag : tags) btf.decl_tag(tag, function, -1);
  auto parsed = Btf::parse(btf.bytes(), "object");
  if (!parsed) return std::unexpected(parsed.error());
  return annotations_of(**parsed, "prog");
}

TEST(Annotations, NoneMakesNoCase) {
  for (const std::vector<std::string>& tags : {std::vector<std::string>{}, {"kptr"}}) {
    auto read = read_tags(tags);
    ASSERT_TRUE(read);
    EXPECT_FALSE(*read);
  }
}

TEST(Annotations, TheWayWithoutCapabilitiesTakesOverWhatItDoesNotSay) {
  auto read = read_tags({"comment:test_expect_failure", "comment:test_expect_msg=0=no",
                         "comment:test_retval_unpriv=0x10"});
  ASSERT_TRUE(read && *read);
  ASSERT_TRUE((*read)->privileged && (*read)->unprivileged);
  EXPECT_FALSE((*read)->unprivileged->success);
  ASSERT_EQ((*read)->unprivileged->messages.size(), 1u);
  EXPECT_EQ((*read)->unprivileged->retval, 16);
  EXPECT_FALSE((*read)->privileged->retval);
}

TEST(Annotations, FlagsAddUpAndCanBeTakenAway) {
  auto read =
      read_tags({"comment:test_prog_flags=BPF_F_STRICT_ALIGNMENT",
                 "comment:test_prog_flags=!BPF_F_TEST_RND_HI32", "comment:test_prog_flags=0x8"});
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->flags, 1u | 1u << 7 | 8u);
}

TEST(Annotations, NamesTheTagThatCannotBeRead) {
  for (const char* tag : {"comment:test_prog_flags=BPF_F_NONE", "comment:test_retval=seven",
                          "comment:test_surprise"}) {
    auto read = read_tags({tag});
    ASSERT_FALSE(read) << tag;
    EXPECT_NE(read.error().message.find(tag), std::string::npos) << read.error().message;
    EXPECT_NE(read.error().message.find("`prog`"), std::string::npos);
  }
}

TEST(Annotations, PatternsMatchInOrder) {
  struct Row {
    std::vector<LogPattern> patterns;
    const char* log;
    bool met;
  };
  const Row rows[] = {
      {{}, "", true},
      {{{"a"}, {"b"}}, "a b", true},
      {{{"b"}, {"a"}}, "a b", false},
      {{{"R{{[0-9]+}} off"}}, "R10 off", true},
      {{{"R{{[0-9]+}} off"}}, "Rx off", false},
      {{{"a.c"}}, "abc", false},
      {{{"(a)"}}, "x(a)", true},
      {{{"a"}, {.text = "x", .absent = true}, {"b"}}, "a b x", true},
      {{{"a"}, {.text = "x", .absent = true}, {"b"}}, "a x b", false},
      {{{"a"}, {.text = "x", .absent = true}}, "a b x", false},
      {{{.text = "x", .absent = true}}, "a b", true},
  };
  for (const Row& row : rows) EXPECT_EQ(unmet(row.patterns, row.log).empty(), row.met) << row.log;
}

TEST(Annotations, AnObjectsProgramsAreItsCases) {
  std::string file = DRYDOCK_TEST_OBJECTS "/annotated.bpf.o";
  auto elf = read_file(file);
  ASSERT_TRUE(elf) << elf.error().message;
  auto cases = annotated_cases(*elf, file);
  ASSERT_TRUE(cases) << cases.error().message;
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile);
  using Kind = CaseOutcome::Kind;
  struct Row {
    const char* name;
    Kind kind;
    const char* part;
  };
  const Row rows[] = {
      {"returns_context", Kind::kPassed, ""},
      {"returns_context@unpriv", Kind::kPassed, ""},
      {"unchecked", Kind::kPassed, ""},
      {"wrong_about_itself", Kind::kFailed, "expected to be rejected"},
      {"elsewhere", Kind::kUnsupported, "not for x86-64"},
      {"seven", Kind::kPassed, ""},
      {"reads_a_map", Kind::kUnsupported, "reading the fields of map `numbers`"},
  };
  ASSERT_EQ(cases->size(), std::size(rows));
  for (const AnnotatedCase& c : *cases) {
    auto row = std::ranges::find_if(rows, [&](const Row& r) { return c.name() == r.name; });
    ASSERT_NE(row, std::end(rows)) << c.name();
    CaseOutcome outcome = run_annotated(c, *elf, file, *profile);
    EXPECT_EQ(outcome.kind, row->kind) << c.name() << ": " << outcome.message;
    EXPECT_NE(outcome.message.find(row->part), std::string::npos) << outcome.message;
  }
}

// Returned values are a kernel's.
struct Returned {
  const char* object;
  const char* kernel;
};
class KernelReturned : public testing::TestWithParam<Returned> {};

TEST_P(KernelReturned, ByEachProgram) {
  std::string file = std::string(DRYDOCK_TEST_OBJECTS "/") + GetParam().object + ".bpf.o";
  auto elf = read_file(file);
  ASSERT_TRUE(elf) << elf.error().message;
  auto cases = annotated_cases(*elf, file);
  ASSERT_TRUE(cases) << cases.error().message;
  auto profile = Profile::load(GetParam().kernel);
  ASSERT_TRUE(profile);
  EXPECT_FALSE(cases->empty());
  for (const AnnotatedCase& c : *cases) {
    CaseOutcome outcome = run_annotated(c, *elf, file, *profile);
    EXPECT_EQ(outcome.kind, CaseOutcome::Kind::kPassed) << c.name() << ": " << outcome.message;
  }
}
// Lists, red-black trees (shape and all), CPU masks, text, exceptions; pages of an arena.
INSTANTIATE_TEST_SUITE_P(Objects, KernelReturned,
                         testing::Values(Returned{"own_objects", "6.18"}, Returned{"arena", "6.18"},
                                         Returned{"arena_at", "6.18"},
                                         Returned{"list_ends", "7.2"}),
                         [](const auto& tested) { return std::string(tested.param.object); });

// libbpf maps an arena where the object says, whatever lies there.
TEST(Annotations, AnArenaIsNotMappedOverMemoryOfThisProcess) {
  auto at = reinterpret_cast<void*>(1ull << 42);  // arena_at.c's
  constexpr size_t kSize = 4096;
  void* page = mmap(at, kSize, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (page != at) GTEST_SKIP() << "memory of the sanitizer lies there";
  std::memset(page, 'x', kSize);
  const std::string file = DRYDOCK_TEST_OBJECTS "/arena_at.bpf.o";
  auto elf = read_file(file);
  ASSERT_TRUE(elf) << elf.error().message;
  auto profile = Profile::load("6.18");
  ASSERT_TRUE(profile);
  auto cases = annotated_cases(*elf, file);
  ASSERT_TRUE(cases && !cases->empty());
  CaseOutcome outcome = run_annotated(cases->front(), *elf, file, *profile);
  EXPECT_EQ(outcome.kind, CaseOutcome::Kind::kPassed) << outcome.message;
  auto bytes = static_cast<const char*>(page);
  EXPECT_EQ(std::count(bytes, bytes + kSize, 'x'), kSize);
  munmap(page, kSize);
}

}  // namespace
}  // namespace drydock
