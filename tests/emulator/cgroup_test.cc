// SPDX-License-Identifier: Apache-2.0
// Programs on cgroups: kernel/bpf/cgroup.c's rules, in the emulated tree.
#include "emulator/syscall/cgroup.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/emulator/bpf_kernel.h"

namespace drydock {
namespace {

using enum BpfCommand;

uint64_t at(const void* p) { return reinterpret_cast<uint64_t>(p); }

class Cgroups : public testing::Test {
 protected:
  int load() {
    static const isa::Insn kReturnOne[] = {{.code = 0xb7, .imm = 1}, {.code = 0x95}};
    attr::ProgLoad p{.prog_type = static_cast<uint32_t>(ProgramType::kCgroupSock),
                     .insn_cnt = 2,
                     .insns = at(kReturnOne),
                     .license = at("GPL"),
                     .expected_attach_type = 2};
    return static_cast<int>(kernel_->call(kProgLoad, p));
  }
  int64_t attach(const char* path, int prog, uint32_t flags, int relative = 0, int replace = 0) {
    attr::Attach a{.target_fd = kernel_->open_cgroup(path),
                   .attach_bpf_fd = prog,
                   .attach_type = 2,
                   .attach_flags = flags,
                   .replace_bpf_fd = replace,
                   .relative_fd = relative};
    return kernel_->call(kProgAttach, a);
  }
  int64_t detach(const char* path, int prog) {
    attr::Attach a{
        .target_fd = kernel_->open_cgroup(path), .attach_bpf_fd = prog, .attach_type = 2};
    return kernel_->call(kProgDetach, a);
  }
  std::vector<uint32_t> effective(const char* path) {
    uint32_t ids[64] = {};
    attr::Query q{.target_fd = kernel_->open_cgroup(path),
                  .attach_type = 2,
                  .query_flags = 1,
                  .prog_ids = at(ids),
                  .count = 64};
    EXPECT_EQ(kernel_->call(kProgQuery, q), 0);
    return {ids, ids + q.count};
  }
  uint32_t id(int prog) { return kernel_->object<ProgramObject>(prog)->id; }
  std::unique_ptr<Kernel> kernel_ = trusting_kernel();
};

TEST_F(Cgroups, NoneAllowsOneAndNothingBelow) {
  int a = load(), b = load();
  EXPECT_EQ(attach("/x", a, 0), 0);
  EXPECT_EQ(attach("/x/y", b, 0), -EPERM);
  EXPECT_EQ(attach("/x", b, kAttachMulti), -EPERM);
  EXPECT_EQ(attach("/x", b, 0), 0) << "replaces";
  EXPECT_EQ(effective("/x/y"), std::vector{id(b)});
  EXPECT_EQ(detach("/x", 0), 0);
  EXPECT_EQ(detach("/x", 0), -ENOENT);
}

TEST_F(Cgroups, OverrideYieldsToBelow) {
  int a = load(), b = load();
  EXPECT_EQ(attach("/x", a, kAttachOverride), 0);
  EXPECT_EQ(attach("/x/y", b, kAttachOverride), 0);
  EXPECT_EQ(effective("/x/y"), std::vector{id(b)});
  EXPECT_EQ(effective("/x"), std::vector{id(a)});
  EXPECT_EQ(detach("/x/y", b), 0);
  EXPECT_EQ(effective("/x/y"), std::vector{id(a)});
}

TEST_F(Cgroups, MultiRunsDescendantsFirstAndPreorderLastsFirst) {
  int a = load(), b = load(), c = load(), d = load();
  EXPECT_EQ(attach("/x", a, kAttachMulti), 0);
  EXPECT_EQ(attach("/x/y", b, kAttachMulti), 0);
  EXPECT_EQ(attach("/x/y", c, kAttachMulti | kAttachBefore), 0);
  EXPECT_EQ(effective("/x/y"), (std::vector{id(c), id(b), id(a)}));
  EXPECT_EQ(attach("/x", d, kAttachMulti | kAttachPreorder), 0);
  EXPECT_EQ(effective("/x/y"), (std::vector{id(d), id(c), id(b), id(a)}));
  EXPECT_EQ(attach("/x", a, kAttachMulti), -EINVAL) << "twice";
  EXPECT_EQ(attach("/x", b, kAttachMulti | kAttachReplace, 0, c), -ENOENT);
  EXPECT_EQ(attach("/x", b, kAttachMulti | kAttachReplace, 0, a), 0);
  EXPECT_EQ(effective("/x"), (std::vector{id(d), id(b)}));
}

TEST_F(Cgroups, PlacesRelativeToAProgram) {
  int a = load(), b = load(), c = load();
  EXPECT_EQ(attach("/x", a, kAttachMulti), 0);
  EXPECT_EQ(attach("/x", b, kAttachMulti | kAttachBefore, a), 0);
  EXPECT_EQ(attach("/x", c, kAttachMulti | kAttachAfter, b), 0);
  EXPECT_EQ(effective("/x"), (std::vector{id(b), id(c), id(a)}));
  EXPECT_EQ(attach("/x", load(), kAttachMulti, a), -EINVAL) << "neither before nor after";
}

TEST_F(Cgroups, LinksLeaveWhenTheyAreClosed) {
  int a = load(), b = load();
  attr::LinkCreate l{};
  l.prog_fd = a;
  l.target_fd = kernel_->open_cgroup("/x");
  l.attach_type = 2;
  int link = static_cast<int>(kernel_->call(kLinkCreate, l));
  ASSERT_GE(link, 0);
  EXPECT_EQ(effective("/x"), std::vector{id(a)});
  attr::LinkUpdate u{.link_fd = link, .new_prog_fd = b};
  EXPECT_EQ(kernel_->call(kLinkUpdate, u), 0);
  EXPECT_EQ(effective("/x"), std::vector{id(b)});
  EXPECT_EQ(detach("/x", b), -ENOENT) << "it is the link's";
  kernel_->close(link);
  EXPECT_TRUE(effective("/x").empty());
}

}  // namespace
}  // namespace drydock
