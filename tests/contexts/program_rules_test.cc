// SPDX-License-Identifier: Apache-2.0
// Rules of program types, against the kernel underneath where it can be asked: which attach types
// BPF_PROG_LOAD takes, which values a program may return, which programs may sleep.
#include <gtest/gtest.h>

#include <algorithm>

#include "answers/host_bpf.h"
#include "contexts/iterators.h"
#include "contexts/listing.h"
#include "contexts/program_rules.h"
#include "contexts/tracing_targets.h"

namespace drydock::testing {
namespace {

const Profile& profile618() {
  static const std::shared_ptr<const Profile> profile = *Profile::load("6.18");
  return *profile;
}

class OnHost : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::string why = host_unavailable(); !why.empty())
      GTEST_SKIP() << "skipped: host kernel: " << why;
    auto loaded = Profile::load("host");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    host_ = *loaded;
  }

  // r0 = value; exit
  HostAnswer load(ProgramType type, AttachType attach, int32_t value, uint32_t flags) {
    const isa::Insn insns[] = {{.code = isa::kAlu64 | isa::kMov, .dst = 0, .imm = value},
                               {.code = isa::kJmp | isa::kExit}};
    return ask_host({.type = type, .attach = attach, .insns = insns, .flags = flags}, false);
  }

  // The program types that load by these instructions alone.
  std::vector<const ProgramRules*> plain_types() {
    std::vector<const ProgramRules*> types;
    for (const ProgramRules& rules : all_program_rules())
      if (has_program_type(rules.type, *host_) && !rules.attaches_by_btf) types.push_back(&rules);
    return types;
  }

  std::shared_ptr<const Profile> host_;
};

int32_t good_value(const ReturnRule& rule) { return rule.range.max; }

TEST_F(OnHost, TakesTheSameAttachTypes) {
  for (const ProgramRules* rules : plain_types()) {
    for (AttachType given : all_attach_types()) {
      AttachType stored = stored_attach_type(rules->type, given);
      int32_t value = good_value(return_rule(rules->type, stored));
      HostAnswer answer =
          load(rules->type, given, value, must_be_sleepable(rules->type) ? kLoadSleepable : 0);
      EXPECT_EQ(accepts_attach_type(rules->type, stored, *host_), answer.err == 0)
          << name_of(rules->type) << " " << name_of(given) << " errno " << answer.err;
    }
  }
}

bool allowed(const ReturnRule& rule, int32_t value) {
  return rule.kind == ReturnRule::Kind::kAnything ||
         (value >= rule.range.min && value <= rule.range.max);
}

TEST_F(OnHost, TakesTheSameReturnValues) {
  for (const ProgramRules* rules : plain_types()) {
    for (AttachType attach : all_attach_types()) {
      if (!accepts_attach_type(rules->type, attach, *host_) ||
          stored_attach_type(rules->type, attach) != attach)
        continue;
      ReturnRule rule = return_rule(rules->type, attach);
      for (int32_t value : {-4096, -1, 0, 1, 2, 3, 4}) {
        HostAnswer answer =
            load(rules->type, attach, value, must_be_sleepable(rules->type) ? kLoadSleepable : 0);
        EXPECT_EQ(allowed(rule, value), answer.err == 0)
            << name_of(rules->type) << " " << name_of(attach) << " returns " << value;
      }
    }
  }
}

TEST_F(OnHost, LetsTheSameProgramsSleep) {
  for (const ProgramRules* rules : plain_types()) {
    AttachType attach{};
    for (AttachType type : all_attach_types())
      if (has(rules->attach_types, type) && rules->attach_type_checked) attach = type;
    int32_t value = good_value(return_rule(rules->type, attach));
    EXPECT_EQ(can_be_sleepable(rules->type, attach, *host_),
              load(rules->type, attach, value, kLoadSleepable).err == 0)
        << name_of(rules->type);
    EXPECT_EQ(!must_be_sleepable(rules->type), load(rules->type, attach, value, 0).err == 0)
        << name_of(rules->type);
  }
}

// LD_ABS: r6 = ctx; r0 = *(u8 *)skb[0]
TEST_F(OnHost, LetsTheSameProgramsLoadPacketBytes) {
  for (const ProgramRules* rules : plain_types()) {
    AttachType attach{};
    for (AttachType type : all_attach_types())
      if (has(rules->attach_types, type) && rules->attach_type_checked) attach = type;
    const isa::Insn insns[] = {{.code = isa::kAlu64 | isa::kMov | isa::kX, .dst = 6, .src = 1},
                               {.code = isa::kLd | isa::kAbs | isa::kB},
                               {.code = isa::kAlu64 | isa::kMov,
                                .dst = 0,
                                .imm = good_value(return_rule(rules->type, attach))},
                               {.code = isa::kJmp | isa::kExit}};
    HostAnswer answer = ask_host({.type = rules->type,
                                  .attach = attach,
                                  .insns = insns,
                                  .flags = must_be_sleepable(rules->type) ? kLoadSleepable : 0},
                                 false);
    EXPECT_EQ(rules->load_absolute, answer.err == 0) << name_of(rules->type);
  }
}

TEST_F(OnHost, HasTheSameProgramTypes) {
  for (ProgramType type : all_program_types()) {
    const ProgramRules* rules = program_rules(type);
    if (!rules || rules->attaches_by_btf) continue;
    AttachType attach{};
    for (AttachType candidate : all_attach_types())
      if (has(rules->attach_types, candidate) && rules->attach_type_checked) attach = candidate;
    int32_t value = good_value(return_rule(type, attach));
    HostAnswer answer = load(type, attach, value, must_be_sleepable(type) ? kLoadSleepable : 0);
    EXPECT_EQ(has_program_type(type, *host_), answer.err == 0) << name_of(type);
  }
}

TEST(ProgramRules, ZeroStandsForTheFirstHookOfOldPrograms) {
  EXPECT_EQ(AttachType::kCgroupInetSockCreate,
            stored_attach_type(ProgramType::kCgroupSock, AttachType{}));
  EXPECT_EQ(AttachType::kSkReuseportSelect,
            stored_attach_type(ProgramType::kSkReuseport, AttachType{}));
  EXPECT_EQ(AttachType{}, stored_attach_type(ProgramType::kXdp, AttachType{}));
}

TEST(ProgramRules, EgressTiesAProgramToItsHookByWhatItReturns) {
  ReturnRule rule = return_rule(ProgramType::kCgroupSkb, AttachType::kCgroupInetEgress);
  EXPECT_EQ((ReturnRange{0, 3}), rule.range);
  EXPECT_EQ((ReturnRange{2, 3}), rule.binds_attach_type);
}

TEST(Sections, NameProgramTypesThatExist) {
  for (const SectionRule& section : all_sections()) {
    const ProgramRules* rules = program_rules(section.type);
    ASSERT_NE(nullptr, rules) << section.name;
    AttachType attach = section.attach_type.value_or(AttachType{});
    EXPECT_TRUE(!section.attach_type || has(rules->attach_types, attach)) << section.name;
    EXPECT_TRUE(!section.sleepable || can_be_sleepable(section.type, attach, profile618()))
        << section.name;
  }
}

TEST(Iterators, HaveTheArgumentsOfTheirFunctions) {
  const Btf& btf = *profile618().btf();
  size_t known = 0;
  for (const Iterator& iterator : all_iterators()) {
    if (!has_iterator(iterator, profile618())) continue;
    ++known;
    uint32_t function = btf.find("bpf_iter_" + std::string(iterator.target), BtfKind::kFunc);
    auto params = btf.type(btf.type(function)->type())->params();
    for (const IteratorArg& arg : iterator.args) {
      if (arg.type == 0) continue;
      ASSERT_LT(arg.offset / 8, params.size()) << iterator.target;
      const BtfType* target = btf.pointee(params[arg.offset / 8].type);
      ASSERT_NE(nullptr, target) << iterator.target;
      std::string_view type = target->kind() == BtfKind::kVoid ? "" : btf.name_of(*target);
      EXPECT_EQ(arg.btf_type, type) << iterator.target;
    }
  }
  EXPECT_EQ(all_iterators().size(), known);
}

// Every function that the kernel's BTF calls an iterator has a row.
TEST(Iterators, AreComplete) {
  const Btf& btf = *profile618().btf();
  for (const Iterator& iterator : all_iterators())
    EXPECT_EQ(&iterator, iterator_named("bpf_iter_" + std::string(iterator.target)));
  for (uint32_t id = 1; id < btf.type_count(); ++id) {
    std::string_view name = btf.name_of(id);
    if (btf.type(id)->kind() != BtfKind::kStruct || !name.starts_with("bpf_iter__")) continue;
    if (name.find("__safe_") != std::string_view::npos) continue;  // a list of trusted fields
    EXPECT_NE(nullptr, iterator_named(name.substr(10))) << name;
  }
}

TEST(TracingTargets, FollowTheConfiguration) {
  EXPECT_TRUE(tracing_denied("migrate_disable", profile618()));
  EXPECT_FALSE(tracing_denied("vfs_read", profile618()));
  EXPECT_TRUE(never_returns("do_exit", profile618()));
  EXPECT_TRUE(may_modify_return("security_file_open", profile618()));
  EXPECT_TRUE(may_modify_return("bpf_modify_return_test", profile618()));
  EXPECT_FALSE(may_modify_return("vfs_read", profile618()));
  EXPECT_TRUE(may_sleep_at("bpf_fentry_test1", profile618()));
  // Without error injection no system call may be slept in.
  EXPECT_FALSE(may_sleep_at("__x64_sys_getpgid", profile618()));
}

TEST(TracingTargets, KnowWhatTracepointsMayPass) {
  auto kfree_skb = raw_tracepoint_args("kfree_skb", profile618());
  ASSERT_TRUE(kfree_skb.has_value());
  EXPECT_EQ(1u << 3, kfree_skb->nullable);
  auto mr = raw_tracepoint_args("mr_integ_alloc", profile618());
  ASSERT_TRUE(mr.has_value());
  EXPECT_EQ(1u << 3, mr->error);
  EXPECT_FALSE(raw_tracepoint_args("sched_switch", profile618()).has_value());
}

TEST(Listing, ShowsAFieldOnlyToThoseWhoSeeIt) {
  auto at = [](AttachType attach) {
    auto listing = list_contexts(profile618(), {.program_type = ProgramType::kCgroupSockAddr,
                                                .attach_type = attach});
    EXPECT_EQ(1u, listing.size());
    return listing.front();
  };
  auto find = [](const ContextListing& context, std::string_view name) {
    return std::ranges::find(context.fields, name, &FieldListing::name);
  };
  ContextListing bind4 = at(AttachType::kCgroupInet4Bind), bind6 = at(AttachType::kCgroupInet6Bind);
  EXPECT_NE(bind4.fields.end(), find(bind4, "user_ip4"));
  EXPECT_EQ(bind4.fields.end(), find(bind4, "user_ip6"));
  auto ip6 = find(bind6, "user_ip6");
  ASSERT_NE(bind6.fields.end(), ip6);
  EXPECT_EQ("1, 2, 4, 8", text_of(ip6->read));
  EXPECT_EQ("4, 8", text_of(ip6->write));
  EXPECT_EQ(4u, ip6->elements);
  EXPECT_EQ("socket", find(bind6, "sk")->yields);
}

TEST(Listing, ShowsIteratorsWithTheirArguments) {
  auto listing = list_contexts(profile618(), {.program_type = ProgramType::kTracing,
                                              .attach_type = AttachType::kTraceIter});
  auto file = std::ranges::find(listing, "bpf_iter__task_file", &ContextListing::name);
  ASSERT_NE(listing.end(), file);
  ASSERT_EQ(4u, file->fields.size());
  EXPECT_EQ("meta", file->fields[0].name);
  EXPECT_EQ("task", file->fields[1].name);
  EXPECT_EQ("struct task_struct or null", file->fields[1].yields);
  EXPECT_EQ("fd", file->fields[2].name);
}

TEST(Listing, ShowsSectionsAndAttachTypes) {
  auto programs = list_programs(profile618(), {.program_type = ProgramType::kCgroupSock});
  ASSERT_EQ(1u, programs.size());
  EXPECT_EQ("bpf_sock", programs[0].context);
  EXPECT_EQ(4u, programs[0].attach_types.size());
  EXPECT_EQ("0 to 1", programs[0].returns);
  EXPECT_NE(programs[0].sections.end(),
            std::ranges::find(programs[0].sections, "cgroup/sock_release"));
}

}  // namespace
}  // namespace drydock::testing
